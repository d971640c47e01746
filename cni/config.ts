/** A plugin's configuration as JSON → checked values (CNI specification 1.1.0, section 1). Pure. */
import { z } from "zod";
import { macBytes, macText, parseIp, type IpAddress, type MacAddress } from "../src/model/address.ts";
import { addressBits, addressNumber, familyOfIp, holds, parseCidr } from "../src/model/cidr.ts";
import { linkNameFault } from "./environment.ts";
import type { CniVersion, IpPrefix, NetworkConfig, RequestedIp } from "./plugin.ts";
import { parsePrefix, prefixText } from "./result.ts";

/** Go, which wrote most of what comes here, takes null for a field that lacks. */
function may<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}

function orElse<Schema extends z.ZodType>(schema: Schema, fallback: z.output<Schema>) {
  return schema.nullish().transform((value) => value ?? fallback);
}

/** A string that `parse` takes. @param what it must be, as it follows "must be" */
function text<T>(parse: (value: string) => T | undefined, what: string) {
  return z.string().transform((value, context) => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: "custom", message: `must be ${what}` });
    return z.NEVER;
  });
}

const ip = text<IpAddress>(parseIp, "an IP address");
const prefix = text<IpPrefix>(parsePrefix, "an address with its prefix length (CIDR)");
const network = prefix.refine((value) => parseCidr(prefixText(value))?.address === value.address, {
  error: "must be a network: it has host bits set",
});
const mac = text<MacAddress>(parseMac, "a MAC address that one station may have");
const requestedIp = text<RequestedIp>(parseRequestedIp, "an IP address, with or without a prefix length");

function parseMac(value: string): MacAddress | undefined {
  const bytes = macBytes(value);
  // Neither a group's (the lowest bit of the first byte) nor nobody's.
  return bytes && (bytes[0]! & 1) === 0 && bytes.some((byte) => byte !== 0) ? macText(bytes) : undefined;
}

function parseRequestedIp(value: string): RequestedIp | undefined {
  if (value.includes("/")) return parsePrefix(value);
  const address = parseIp(value);
  return address && { address, prefixLength: undefined };
}

function wholeNumber(least: number, most: number) {
  return z.number().refine((value) => Number.isSafeInteger(value) && value >= least && value <= most, {
    error: `must be a whole number from ${least} to ${most}`,
  });
}

const strings = may(z.array(z.string()));

const dns = z.strictObject({
  nameservers: strings,
  domain: may(z.string()),
  search: strings,
  options: strings,
});

const route = z.strictObject({
  dst: prefix,
  gw: may(ip),
  mtu: may(wholeNumber(0, 2 ** 32 - 1)),
  advmss: may(wholeNumber(0, 2 ** 32 - 1)),
  priority: may(wholeNumber(0, 2 ** 32 - 1)),
  table: may(wholeNumber(0, 2 ** 32 - 1)),
  scope: may(wholeNumber(0, 255)),
});

const rangeFields = {
  rangeStart: may(ip),
  rangeEnd: may(ip),
  gateway: may(ip),
};
const range = z.strictObject({ subnet: network, ...rangeFields }).superRefine(checkRange);

interface Range {
  readonly subnet: IpPrefix;
  readonly rangeStart?: IpAddress | undefined;
  readonly rangeEnd?: IpAddress | undefined;
  readonly gateway?: IpAddress | undefined;
}

function checkRange(value: Range, context: z.RefinementCtx): void {
  const { subnet, rangeStart, rangeEnd } = value;
  const fault = (field: keyof Range, message: string) => context.addIssue({ code: "custom", path: [field], message });
  // Its first address is the network's, its last the broadcast's, and one is the gateway's.
  if (subnet.prefixLength > addressBits(familyOfIp(subnet.address)) - 2)
    fault("subnet", "is too small to allocate from");
  const cidr = parseCidr(prefixText(subnet))!;
  for (const field of ["rangeStart", "rangeEnd", "gateway"] as const) {
    const address = value[field];
    if (address !== undefined && !holds(cidr, address)) fault(field, "must be in the subnet");
  }
  if (rangeStart !== undefined && rangeEnd !== undefined && addressNumber(rangeStart) > addressNumber(rangeEnd)) {
    fault("rangeEnd", "must not be before rangeStart");
  }
}

/** A subnet beside `ranges` is one more range, in front of them, as host-local has it. */
const ipam = z
  .strictObject({
    type: may(z.string()),
    ranges: orElse(z.array(z.array(range).min(1, { error: "must have a range" })), []),
    subnet: may(network),
    ...rangeFields,
    routes: orElse(z.array(route), []),
    dataDir: may(text(absolutePath, "an absolute path without ..")),
  })
  .superRefine(({ subnet, ...value }, context) => {
    if (subnet) return checkRange({ subnet, ...value }, context);
    for (const field of ["rangeStart", "rangeEnd", "gateway"] as const) {
      if (value[field] === undefined) continue;
      context.addIssue({ code: "custom", path: [field], message: "must have a subnet beside it" });
    }
  });

export function absolutePath(value: string): string | undefined {
  return /^\/[^\0]*$/.test(value) && !value.split("/").includes("..") ? value : undefined;
}

/** containerd writes the names of Go's fields ("HostPort"), and the plugins that it knows read them in any case. */
function inAnyCase<Shape extends z.ZodRawShape>(object: z.ZodObject<Shape, z.core.$strict>) {
  const names = new Map(Object.keys(object.shape).map((name) => [name.toLowerCase(), name]));
  return z.preprocess((value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const entries = Object.entries(value).map(
      ([name, field]: [string, unknown]) => [names.get(name.toLowerCase()) ?? name, field] as const,
    );
    return Object.fromEntries(entries);
  }, object);
}

const portMapping = inAnyCase(
  z.strictObject({
    hostPort: wholeNumber(1, 65_535),
    containerPort: wholeNumber(1, 65_535),
    protocol: orElse(text(parseProtocol, "tcp, udp or sctp"), "tcp"),
    hostIP: may(z.string()),
  }),
).transform(({ hostIP, ...mapping }, context) => {
  const hostIp = hostIP ? parseIp(hostIP) : undefined;
  if (hostIP && !hostIp) context.addIssue({ code: "custom", path: ["hostIP"], message: "must be an IP address" });
  return { ...mapping, hostIp };
});

function parseProtocol(value: string): "tcp" | "udp" | "sctp" | undefined {
  return (["tcp", "udp", "sctp"] as const).find((name) => name === (value.toLowerCase() || "tcp"));
}

/** tc's rates are 64 bits of bytes a second; its bursts are 32 bits of bytes. */
const rate = orElse(wholeNumber(0, Number.MAX_SAFE_INTEGER), 0);
const burst = orElse(wholeNumber(0, (2 ** 32 - 1) * 8), 0);
const bandwidth = inAnyCase(
  z.strictObject({ ingressRate: rate, ingressBurst: burst, egressRate: rate, egressBurst: burst }),
).superRefine((value, context) => {
  for (const way of ["ingress", "egress"] as const) {
    const [hasRate, hasBurst] = [value[`${way}Rate`] > 0, value[`${way}Burst`] > 0];
    const lacking = hasRate && !hasBurst ? "Burst" : hasBurst && !hasRate ? "Rate" : undefined;
    if (!lacking) continue;
    context.addIssue({ code: "custom", path: [`${way}${lacking}`], message: "must be given too" });
  }
});

const runtimeConfig = z.strictObject({
  portMappings: orElse(z.array(portMapping), []),
  bandwidth: may(bandwidth),
  ips: orElse(z.array(requestedIp), []),
  mac: may(mac),
  aliases: orElse(z.array(z.string()), []),
});

/** Whoever does not know what is in here ignores it. */
const args = z.looseObject({
  cni: may(z.looseObject({ ips: orElse(z.array(requestedIp), []), mac: may(mac) })),
});

const linkName = z.string().superRefine((value, context) => {
  const fault = linkNameFault(value);
  if (fault) context.addIssue({ code: "custom", message: `is no name of a link: it ${fault}` });
});

/** The name of a network is part of names of files (libcni's cache), hence its form and its bound. */
const networkName = z.string().refine((value) => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(value), {
  error: 'must be letters, digits, "_", "." and "-", the first a letter or a digit, at most 255',
});
const pluginType = z.string().refine((value) => /^[^/\\\0]+$/.test(value), { error: "must be the name of a file" });
const supported = ["routed", "bridge"] as const;

/** Every key that is taken; keys of the runtime's (`cni.dev/…`) are taken out before. */
export const configSchema = z.strictObject({
  cniVersion: z.string(),
  name: networkName,
  type: pluginType,
  capabilities: may(z.record(z.string(), z.boolean())),
  prevResult: z.unknown().optional(),
  args: may(args),
  runtimeConfig: may(runtimeConfig),
  mode: orElse(
    text((value) => supported.find((name) => name === value), supported.join(" or ")),
    "routed",
  ),
  bridge: orElse(linkName, "cni0"),
  // RFC 791's least that every link carries, and the most that a packet can say.
  mtu: orElse(
    wholeNumber(0, 65_535).refine((value) => value === 0 || value >= 68, { error: "must be at least 68" }),
    0,
  ),
  ipMasq: orElse(z.boolean(), false),
  nonMasqueradeCIDRs: orElse(z.array(network), []),
  ipam: may(ipam),
  dns: may(dns),
  // The shim's own.
  socket: may(text(absolutePath, "an absolute path without ..")),
  standalone: may(text(absolutePath, "an absolute path without ..")),
});

export type ConfigFields = z.output<typeof configSchema>;

export function networkConfig(
  fields: ConfigFields,
  cniVersion: CniVersion,
  raw: Readonly<Record<string, unknown>>,
): NetworkConfig {
  const { name, type, mode, bridge, mtu, ipMasq, nonMasqueradeCIDRs, ipam: pool, runtimeConfig: runtime } = fields;
  const first = pool?.subnet && { subnet: pool.subnet, ...rangeOf(pool) };
  return {
    cniVersion,
    name,
    type,
    mode,
    bridge,
    mtu: mtu === 0 ? undefined : mtu,
    ipMasq,
    nonMasqueradeCidrs: nonMasqueradeCIDRs,
    ipam: pool && {
      ranges: [
        ...(first ? [[first]] : []),
        ...pool.ranges.map((set) => set.map((one) => ({ subnet: one.subnet, ...rangeOf(one) }))),
      ],
      routes: pool.routes.map(withoutUndefined),
      dataDir: pool.dataDir,
    },
    dns: withoutUndefined(fields.dns ?? {}),
    runtimeConfig: runtime ?? { portMappings: [], bandwidth: undefined, ips: [], mac: undefined, aliases: [] },
    args: { ips: fields.args?.cni?.ips ?? [], mac: fields.args?.cni?.mac },
    raw,
  };
}

function rangeOf({ rangeStart, rangeEnd, gateway }: Omit<Range, "subnet">) {
  return { rangeStart, rangeEnd, gateway };
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as never;
}
