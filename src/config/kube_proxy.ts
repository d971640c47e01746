/** KubeProxyConfiguration v1alpha1 (kubernetes/kube-proxy, config/v1alpha1/types.go), whole. */
import { isIP } from "node:net";
import { z } from "zod";
import { duration, listenAt, isCidr } from "./values.ts";
import { ipvsSchedulers } from "../model/service.ts";

/** Upstream's and ours. "" is the best that the kernel has. */
export const proxyModes = ["", "auto", "userspace", "iptables", "ipvs", "nftables", "ebpf"] as const;
export type ProxyMode = Exclude<(typeof proxyModes)[number], "">;

const schedulers = ["", ...ipvsSchedulers] as const;
const localModes = ["ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"] as const;
const nodePortKeywords: readonly string[] = ["primary", "localhost", "all"];

const bit = z.int().min(0, range(0, 31)).max(31, range(0, 31)).default(14);
const cidrs = z.array(z.string().refine(isCidr, "must be a valid IP block"));
const count = z.int().min(0, "must be greater than or equal to 0");

function range(from: number, to: number): string {
  return `must be within the range [${from}, ${to}]`;
}

interface BindAddress {
  readonly host: string;
  readonly port: number;
}

interface Periods {
  readonly syncPeriod: number;
  readonly minSyncPeriod: number;
}

function checkPeriods({ syncPeriod, minSyncPeriod }: Periods, context: z.RefinementCtx): void {
  if (minSyncPeriod <= syncPeriod) return;
  context.addIssue({ code: "custom", path: ["syncPeriod"], message: "must be greater than or equal to minSyncPeriod" });
}

const periods = { syncPeriod: duration(30_000, "positive"), minSyncPeriod: duration(1000) };

const iptables = z
  .strictObject({
    masqueradeBit: bit,
    masqueradeAll: z.boolean().default(false),
    localhostNodePorts: z.boolean().default(true),
    snatNodeInternalIP: z.boolean().default(false),
    ...periods,
  })
  .superRefine(checkPeriods);

/** Unlike upstream's, whose turn costs what there is, ours costs what changed: no least period (docs/decisions/053). */
const nftables = z
  .strictObject({
    masqueradeBit: bit,
    masqueradeAll: z.boolean().default(false),
    ...periods,
    minSyncPeriod: duration(0),
  })
  .superRefine(checkPeriods);

const ipvs = z
  .strictObject({
    ...periods,
    minSyncPeriod: duration(0),
    scheduler: z.enum(schedulers).default(""),
    excludeCIDRs: cidrs.default([]),
    strictARP: z.boolean().default(false),
    tcpTimeout: duration(0),
    tcpFinTimeout: duration(0),
    udpTimeout: duration(0),
  })
  .superRefine(checkPeriods);

const conntrack = z.strictObject({
  /** 0 leaves the limit as it is. */
  maxPerCore: count.default(32_768),
  min: count.default(131_072),
  tcpEstablishedTimeout: optionalDuration(24 * 3_600_000),
  tcpCloseWaitTimeout: optionalDuration(3_600_000),
  tcpBeLiberal: z.boolean().default(false),
  udpTimeout: duration(0),
  udpStreamTimeout: duration(0),
});

/** Of a field in which upstream tells zero (leave it as it is) from none (the default). */
function optionalDuration(defaultMs: number) {
  return duration(0).unwrap().default(defaultMs);
}

/** Another platform's: taken, and of no effect here. */
const winkernel = z.strictObject({
  networkName: z.string().default(""),
  sourceVip: z.string().default(""),
  enableDSR: z.boolean().default(false),
  rootHnsEndpointName: z.string().default(""),
  forwardHealthCheckVip: z.boolean().default(false),
});

const clientConnection = z.strictObject({
  kubeconfig: z.string().default(""),
  acceptContentTypes: z.string().default(""),
  contentType: z
    .string()
    .default("")
    .transform((text) => text || "application/vnd.kubernetes.protobuf"),
  qps: z
    .number()
    .default(0)
    .transform((value) => value || 5),
  burst: count.default(0).transform((value) => value || 10),
});

const clusterCidr = z
  .string()
  .default("")
  .superRefine((text, context) => {
    if (text === "") return;
    const parts = text.split(",");
    const message = clusterCidrProblem(parts);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });

function clusterCidrProblem(parts: readonly string[]): string | undefined {
  const example = "10.100.0.0/16,fde4:8dba:82e1::/48";
  if (parts.length > 2) return `only one CIDR allowed or a valid DualStack CIDR (e.g. ${example})`;
  if (parts.length === 1) {
    return isCidr(parts[0]!) ? undefined : "must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)";
  }
  const families = new Set(parts.map((part) => (isCidr(part) ? isIP(part.split("/")[0]!) : 0)));
  return families.has(4) && families.has(6) ? undefined : `must be a valid DualStack CIDR (e.g. ${example})`;
}

export const kubeProxyConfiguration = z
  .strictObject({
    apiVersion: z.literal("kubeproxy.config.k8s.io/v1alpha1"),
    kind: z.literal("KubeProxyConfiguration"),
    featureGates: z.record(z.string(), z.boolean()).default({}),
    clientConnection: clientConnection.prefault({}),
    logging: z
      .looseObject({ format: z.enum(["text", "json"]).default("text"), verbosity: count.default(0) })
      .prefault({}),
    hostnameOverride: z.string().default(""),
    bindAddress: z
      .string()
      .default("0.0.0.0")
      .transform((text) => text || "0.0.0.0")
      .refine((text) => isIP(text) !== 0, "not a valid textual representation of an IP address"),
    healthzBindAddress: listenAt(10_256).optional(),
    metricsBindAddress: listenAt(10_249).optional(),
    bindAddressHardFail: z.boolean().default(false),
    enableProfiling: z.boolean().default(false),
    showHiddenMetricsForVersion: z.string().default(""),
    mode: z
      .enum(proxyModes, {
        error: `must be ${proxyModes.slice(1).join(",")} or blank (blank means the best-available proxy)`,
      })
      .default("")
      .transform((mode): ProxyMode => (mode === "" ? "auto" : mode)),
    iptables: iptables.prefault({}),
    ipvs: ipvs.prefault({}),
    nftables: nftables.prefault({}),
    winkernel: winkernel.prefault({}),
    detectLocalMode: z
      .union([z.literal(""), z.enum(localModes)], { error: `must be one of ${localModes.join(", ")} or blank` })
      .default("")
      .transform((mode) => (mode === "" ? "ClusterCIDR" : mode)),
    detectLocal: z
      .strictObject({ bridgeInterface: z.string().default(""), interfaceNamePrefix: z.string().default("") })
      .prefault({}),
    clusterCIDR: clusterCidr,
    /** Undefined: "primary" in the nftables mode, "all" in the others. */
    nodePortAddresses: z
      .array(z.string().refine((text) => nodePortKeywords.includes(text) || isCidr(text), "must be a valid IP block"))
      .optional()
      .transform((list) => (list && list.length > 0 ? list : undefined)),
    oomScoreAdj: z.int().min(-1000, range(-1000, 1000)).max(1000, range(-1000, 1000)).default(-999),
    conntrack: conntrack.prefault({}),
    configSyncPeriod: duration(15 * 60_000, "positive"),
    portRange: z.string().default(""),
    windowsRunAsService: z.boolean().default(false),
  })
  .superRefine(({ detectLocalMode, detectLocal }, context) => {
    const needs = { BridgeInterface: "bridgeInterface", InterfaceNamePrefix: "interfaceNamePrefix" } as const;
    if (!(detectLocalMode in needs)) return;
    const field = needs[detectLocalMode as keyof typeof needs];
    if (detectLocal[field] !== "") return;
    context.addIssue({ code: "custom", path: ["detectLocal", field], message: `must be set for ${detectLocalMode}` });
  })
  // Where they are told nothing, health and metrics follow the family of bindAddress.
  .transform(({ healthzBindAddress, metricsBindAddress, ...rest }) => {
    const isIpv6 = isIP(rest.bindAddress) === 6;
    const addresses: Readonly<Record<"healthzBindAddress" | "metricsBindAddress", BindAddress | undefined>> = {
      healthzBindAddress: healthzBindAddress ?? { host: isIpv6 ? "::" : "0.0.0.0", port: 10_256 },
      metricsBindAddress: metricsBindAddress ?? { host: isIpv6 ? "::1" : "127.0.0.1", port: 10_249 },
    };
    return { ...rest, ...addresses };
  });

/** As read: durations in ms, defaults filled in. Health and metrics of no address are not served. */
export type KubeProxyConfiguration = z.output<typeof kubeProxyConfiguration>;

/** Fields of other platforms that are set: they have no effect here, and who set them should know. */
export function foreignFields(config: KubeProxyConfiguration): readonly string[] {
  const { networkName, sourceVip, enableDSR, rootHnsEndpointName, forwardHealthCheckVip } = config.winkernel;
  const set = Object.entries({ networkName, sourceVip, enableDSR, rootHnsEndpointName, forwardHealthCheckVip });
  return [
    ...set.filter(([, value]) => value !== "" && value !== false).map(([name]) => `winkernel.${name}`),
    ...(config.windowsRunAsService ? ["windowsRunAsService"] : []),
  ];
}
