/** What an ipvs mode, ours or a kube-proxy's, leaves beside its chains: virtual servers, ipsets, and addresses of Services. */
import type { FairleadError } from "../../errors/catalogue.ts";
import type { IpvsServiceKey } from "../../kernel/netlink/ipvs/service.ts";
import type { Address } from "../../kernel/netlink/rtnetlink/address.ts";
import type { IpsetPort, IpvsPort, RoutingPort } from "../../kernel/ports.ts";
import { removeServiceAddresses } from "../apply/service_addresses.ts";
import { deviceName } from "../modes/ipvs/names.ts";
import { isOurs, serversOf } from "../modes/ipvs/remains.ts";
import { setNames } from "../modes/ipvs/sets.ts";

export interface IpvsModePorts {
  readonly routing: RoutingPort;
  /** Undefined where the kernel has none loaded. */
  readonly ipset: IpsetPort | undefined;
  /** Undefined where the kernel has none loaded. */
  readonly ipvs: IpvsPort | undefined;
}

export interface IpvsRemains {
  readonly servers: readonly IpvsServiceKey[];
  readonly sets: readonly string[];
  readonly hasDevice: boolean;
  /** Whether this proxy has made it, and no kube-proxy. */
  readonly isOurs: boolean;
}

export const noRemains: IpvsRemains = { servers: [], sets: [], hasDevice: false, isOurs: false };

export async function observeIpvsMode({ routing, ipset, ipvs }: IpvsModePorts): Promise<IpvsRemains> {
  const sets = ((await ipset?.list()) ?? []).filter(({ name }) => setNames.has(name));
  const keys = ((await ipvs?.services()) ?? []).map(({ key }) => key);
  const device = await routing.link({ name: deviceName });
  const listed = keys.length > 0 ? await routing.addresses() : [];
  const onDevice = listed.filter(({ index }) => index === device?.index);
  return {
    servers: serversOf(keys, { sets, onDevice: textsOf(onDevice), all: textsOf(listed) }),
    sets: sets.map(({ name }) => name),
    hasDevice: device !== undefined,
    isOurs: isOurs(sets),
  };
}

function textsOf(addresses: readonly Address[]): ReadonlySet<string> {
  return new Set(addresses.map(({ local, address }) => local ?? address!));
}

/** In words; empty: nothing. */
export function describeIpvsMode({ servers, sets, hasDevice }: IpvsRemains): readonly string[] {
  return [
    ...(servers.length > 0 ? [`${servers.length} virtual servers of the ipvs mode`] : []),
    ...(sets.length > 0 ? [`${sets.length} ipsets of the ipvs mode`] : []),
    ...(hasDevice ? [`ipvs device ${deviceName}`] : []),
  ];
}

const ENOENT = 2;
const ESRCH = 3;

/**
 * Removes it, once no rule asks its sets. They go last, for they tell whose the virtual servers are.
 *
 * @param remains what was observed just now
 * @throws FairleadError what the kernel refuses; the rest is removed
 */
export async function removeIpvsMode(ports: IpvsModePorts, remains?: IpvsRemains): Promise<void> {
  const { routing, ipset, ipvs } = ports;
  const { servers, sets, hasDevice, isOurs } = remains ?? (await observeIpvsMode(ports));
  // Addresses first: nothing comes any more to what is there without them.
  if (hasDevice || isOurs) await removeServiceAddresses(routing);
  const errors: (FairleadError | null)[] = [];
  if (servers.length > 0) errors.push(...(await ipvs!.apply(servers.map(deletion))));
  if (sets.length > 0) errors.push(...(await ipset!.apply(sets.map((set) => ({ verb: "destroy", set })))));
  const failed = errors.find((error) => error && error.errno !== ENOENT && error.errno !== ESRCH);
  if (failed) throw failed;
}

function deletion(service: IpvsServiceKey) {
  return { verb: "deleteService", service } as const;
}
