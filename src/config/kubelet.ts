/** KubeletConfiguration v1beta1 (kubernetes/kubelet, config/v1beta1/types.go), whole. */
import { isIP } from "node:net";
import path from "node:path";
import { z } from "zod";
import { parseQuantity } from "../model/quantity.ts";
import { duration, isCidr } from "./values.ts";

const count = z.int().min(0, "must not be a negative number");
const text = z.string().default("");
const port = (least: number) =>
  z
    .int()
    .min(least, `must be between ${least} and 65535, inclusive`)
    .max(65_535, `must be between ${least} and 65535, inclusive`);
const ranged = (from: number, to: number) =>
  z
    .int()
    .min(from, `must be between ${from} and ${to}, inclusive`)
    .max(to, `must be between ${from} and ${to}, inclusive`);
const address = z.string().refine((ip) => isIP(ip) !== 0, "must be a valid IP address");
const quantity = z.string().refine(isQuantity, "must be a quantity, such as 500m or 1Gi");
const percent = z.string().regex(/^(?:100|\d{1,2})%$/, "must be a percentage, such as 50%");
const threshold = z
  .string()
  .refine((value) => isPercent(value) || isQuantity(value), "must be a quantity or a percentage");
const list = z.array(z.string()).default([]);
const map = z.record(z.string(), z.string()).default({});

/** Of a number in which zero is as if it lacked. */
const orDefault = (schema: z.ZodInt, defaultValue: number) =>
  schema.default(defaultValue).transform((value) => value || defaultValue);

function isPercent(value: string): boolean {
  return percent.safeParse(value).success;
}

function isQuantity(value: string): boolean {
  try {
    return parseQuantity(value).nanos >= 0n;
  } catch {
    return false;
  }
}

const reserved = z.partialRecord(z.enum(["cpu", "memory", "ephemeral-storage", "pid"]), quantity).default({});

const signals = [
  "memory.available",
  "nodefs.available",
  "nodefs.inodesFree",
  "imagefs.available",
  "imagefs.inodesFree",
  "containerfs.available",
  "containerfs.inodesFree",
  "allocatableMemory.available",
  "pid.available",
] as const;
const signal = z.enum(signals);
const thresholds = z.partialRecord(signal, threshold);

const taint = z.strictObject({
  key: z.string().min(1, "must not be empty"),
  value: z.string().optional(),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"], {
    error: "must be NoSchedule, PreferNoSchedule or NoExecute",
  }),
});

const authentication = z.strictObject({
  x509: z.strictObject({ clientCAFile: text }).prefault({}),
  webhook: z.strictObject({ enabled: z.boolean().default(true), cacheTTL: duration(120_000) }).prefault({}),
  anonymous: z.strictObject({ enabled: z.boolean().default(false) }).prefault({}),
});

const authorization = z.strictObject({
  mode: z
    .enum(["", "AlwaysAllow", "Webhook"], { error: "must be AlwaysAllow or Webhook" })
    .default("")
    .transform((mode) => mode || ("Webhook" as const)),
  webhook: z
    .strictObject({ cacheAuthorizedTTL: duration(300_000), cacheUnauthorizedTTL: duration(30_000) })
    .prefault({}),
});

const serving = {
  enableServer: z.boolean().default(true),
  address: address.default("0.0.0.0"),
  port: orDefault(port(0), 10_250),
  readOnlyPort: port(0).default(0),
  tlsCertFile: text,
  tlsPrivateKeyFile: text,
  tlsCipherSuites: list,
  tlsCurvePreferences: z.array(z.int()).default([]),
  tlsMinVersion: z
    .enum(["", "VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"], {
      error: "must be VersionTLS10, VersionTLS11, VersionTLS12 or VersionTLS13",
    })
    .default(""),
  rotateCertificates: z.boolean().default(false),
  serverTLSBootstrap: z.boolean().default(false),
  authentication: authentication.prefault({}),
  authorization: authorization.prefault({}),
  enableDebuggingHandlers: z.boolean().default(true),
  enableContentionProfiling: z.boolean().default(false),
  enableSystemLogHandler: z.boolean().default(true),
  enableSystemLogQuery: z.boolean().default(false),
  enableProfilingHandler: z.boolean().default(true),
  enableDebugFlagsHandler: z.boolean().default(true),
  healthzPort: port(0).default(10_248),
  healthzBindAddress: address.default("127.0.0.1"),
  streamingConnectionIdleTimeout: duration(4 * 3_600_000),
};

const nodeFields = {
  registerNode: z.boolean().default(true),
  registerWithTaints: z.array(taint).default([]),
  nodeStatusUpdateFrequency: duration(0),
  nodeStatusReportFrequency: duration(0),
  nodeLeaseDurationSeconds: z
    .int()
    .default(40)
    .transform((seconds) => seconds || 40)
    .pipe(z.int().min(1, "must be greater than 0")),
  nodeStatusMaxImages: z.int().min(-1, "must be -1 or greater").default(50),
  providerID: text,
  shutdownGracePeriod: duration(0),
  shutdownGracePeriodCriticalPods: duration(0),
  shutdownGracePeriodByPodPriority: z
    .array(z.strictObject({ priority: z.int(), shutdownGracePeriodSeconds: count }))
    .default([]),
};

const runtimeFields = {
  containerRuntimeEndpoint: text.transform((value) => value || "unix:///run/containerd/containerd.sock"),
  imageServiceEndpoint: text,
  runtimeRequestTimeout: duration(120_000),
  registryPullQPS: count.default(5),
  registryBurst: orDefault(count, 10),
  serializeImagePulls: z.boolean().optional(),
  maxParallelImagePulls: z.int().min(1, "must be a positive number").optional(),
  imagePullCredentialsVerificationPolicy: z
    .enum(["", "NeverVerify", "NeverVerifyPreloadedImages", "NeverVerifyAllowlistedImages", "AlwaysVerify"])
    .default(""),
  preloadedImagesVerificationAllowlist: list,
  imageMinimumGCAge: duration(120_000),
  imageMaximumGCAge: duration(0),
  imageGCHighThresholdPercent: ranged(0, 100).default(85),
  imageGCLowThresholdPercent: ranged(0, 100).default(80),
  containerLogMaxSize: quantity.default("10Mi"),
  containerLogMaxFiles: z.int().min(2, "must be greater than 1").default(5),
  containerLogMaxWorkers: z.int().min(1, "must be greater than or equal to 1").default(1),
  containerLogMonitorInterval: duration(10_000).pipe(z.number().min(3000, "must be greater than or equal to 3s")),
  podLogsDir: z
    .string()
    .default("")
    .transform((folder) => folder || "/var/log/pods")
    .pipe(
      z
        .string()
        .refine((folder) => path.isAbsolute(folder), "must be an absolute path")
        .refine((folder) => path.normalize(folder).replace(/(.)\/$/, "$1") === folder, "must be normalized")
        // It is a label of metrics.
        .refine((folder) => /^[\x20-\x7f]*$/.test(folder), "must contain ASCII characters only"),
    ),
  seccompDefault: z.boolean().default(false),
  userNamespaces: z.strictObject({ idsPerPod: z.int().optional() }).optional(),
};

const cgroupFields = {
  kubeletCgroups: text,
  systemCgroups: text,
  cgroupRoot: text,
  cgroupsPerQOS: z.boolean().default(true),
  cgroupDriver: z.enum(["cgroupfs", "systemd"], { error: "must be cgroupfs or systemd" }).default("cgroupfs"),
  failCgroupV1: z.boolean().default(false),
  singleProcessOOMKill: z.boolean().optional(),
  cpuManagerPolicy: text.transform((value) => value || "none"),
  cpuManagerPolicyOptions: map,
  cpuManagerReconcilePeriod: duration(10_000),
  draManagerReconcilePeriod: duration(60_000, "positive"),
  memoryManagerPolicy: text.transform((value) => value || "None"),
  topologyManagerPolicy: z
    .enum(["none", "best-effort", "restricted", "single-numa-node"], {
      error: "must be one of none, best-effort, restricted, single-numa-node",
    })
    .default("none"),
  topologyManagerScope: z.enum(["container", "pod"], { error: "must be container or pod" }).default("container"),
  topologyManagerPolicyOptions: map,
  qosReserved: z.record(z.string(), percent).default({}),
  reservedMemory: z.array(z.strictObject({ numaNode: count, limits: z.record(z.string(), quantity) })).default([]),
  memoryThrottlingFactor: z
    .number()
    .gt(0, "must be greater than 0 and less than or equal to 1.0")
    .max(1, "must be greater than 0 and less than or equal to 1.0")
    .default(0.9),
  memoryReservationPolicy: z.enum(["None", "TieredReservation"]).default("None"),
  memorySwap: z
    .strictObject({
      swapBehavior: z
        .enum(["", "NoSwap", "LimitedSwap"], { error: 'must be one of "", LimitedSwap or NoSwap' })
        .default(""),
    })
    .prefault({}),
  failSwapOn: z.boolean().default(true),
  oomScoreAdj: ranged(-1000, 1000).default(-999),
  cpuCFSQuota: z.boolean().default(true),
  cpuCFSQuotaPeriod: duration(100).pipe(
    z.number().min(1, "must be between 1ms and 1sec, inclusive").max(1000, "must be between 1ms and 1sec, inclusive"),
  ),
  podPidsLimit: z
    .int()
    .default(-1)
    .transform((limit) => (limit < 0 ? -1 : limit)),
  systemReserved: reserved,
  kubeReserved: reserved,
  reservedSystemCPUs: z
    .string()
    .regex(/^$|^\d+(-\d+)?(,\d+(-\d+)?)*$/, "must be a list of CPUs, such as 0-3,7")
    .default(""),
  systemReservedCgroup: text,
  kubeReservedCgroup: text,
  enforceNodeAllocatable: z
    .array(
      z.enum([
        "none",
        "pods",
        "system-reserved",
        "system-reserved-compressible",
        "kube-reserved",
        "kube-reserved-compressible",
      ]),
    )
    .default(["pods"]),
};

const podFields = {
  staticPodPath: text,
  staticPodURL: text,
  staticPodURLHeader: z.record(z.string(), z.array(z.string())).default({}),
  syncFrequency: duration(60_000),
  fileCheckFrequency: duration(20_000),
  httpCheckFrequency: duration(20_000),
  podHousekeepingPeriod: duration(2000),
  maxPods: orDefault(count, 110),
  podsPerCore: count.default(0),
  podCIDR: z
    .string()
    .refine((cidr) => cidr === "" || cidr.split(",").every(isCidr), "must be a CIDR")
    .default(""),
  resolvConf: z.string().default("/etc/resolv.conf"),
  clusterDomain: text,
  clusterDNS: z.array(address).default([]),
  runOnce: z.literal(false, { error: "Runonce mode has been deprecated and should not be set" }).default(false),
  allowedUnsafeSysctls: list,
  configMapAndSecretChangeDetectionStrategy: z
    .enum(["Get", "Cache", "Watch"], { error: "must be Get, Cache or Watch" })
    .default("Watch"),
  crashLoopBackOff: z
    .strictObject({
      maxContainerRestartPeriod: duration(300_000).pipe(
        z.number().min(1000, "must be set between 1s and 300s").max(300_000, "must be set between 1s and 300s"),
      ),
    })
    .prefault({}),
  localStorageCapacityIsolation: z.boolean().default(true),
  volumeStatsAggPeriod: duration(60_000),
  volumePluginDir: text.transform((value) => value || "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/"),
  enableControllerAttachDetach: z.boolean().default(true),
};

const evictionFields = {
  evictionHard: thresholds.optional(),
  evictionSoft: thresholds.default({}),
  evictionSoftGracePeriod: z.partialRecord(signal, duration(0)).default({}),
  evictionPressureTransitionPeriod: duration(300_000),
  evictionMaxPodGracePeriod: z.int().default(0),
  evictionMinimumReclaim: thresholds.default({}),
  mergeDefaultEvictionSettings: z.boolean().default(false),
  kernelMemcgNotification: z.boolean().default(false),
};

const clientFields = {
  contentType: text.transform((value) => value || "application/vnd.kubernetes.protobuf"),
  kubeAPIQPS: count.default(50),
  kubeAPIBurst: orDefault(count, 100),
  eventRecordQPS: count.default(50),
  eventBurst: orDefault(count, 100),
  featureGates: z.record(z.string(), z.boolean()).default({}),
  logging: z
    .looseObject({ format: z.enum(["text", "json"]).default("text"), verbosity: count.default(0) })
    .prefault({}),
  tracing: z.looseObject({}).optional(),
  showHiddenMetricsForVersion: text,
  maxOpenFiles: orDefault(count, 1_000_000),
  protectKernelDefaults: z.boolean().default(false),
  hairpinMode: z
    .enum(["promiscuous-bridge", "hairpin-veth", "none"], {
      error: "must be none, hairpin-veth or promiscuous-bridge",
    })
    .default("promiscuous-bridge"),
  makeIPTablesUtilChains: z.boolean().default(true),
  iptablesMasqueradeBit: ranged(0, 31).default(14),
  iptablesDropBit: ranged(0, 31).default(15),
};

const whole = z.strictObject({
  apiVersion: z.literal("kubelet.config.k8s.io/v1beta1"),
  kind: z.literal("KubeletConfiguration"),
  ...serving,
  ...nodeFields,
  ...runtimeFields,
  ...cgroupFields,
  ...podFields,
  ...evictionFields,
  ...clientFields,
});

type Whole = z.output<typeof whole>;

/** What is wrong with fields together: the later field's name, and upstream's words. */
const joint: readonly (readonly [string, string, (config: Whole) => boolean])[] = [
  ["systemCgroups", "cgroupRoot was not specified", (c) => c.systemCgroups !== "" && c.cgroupRoot === ""],
  [
    "imageGCLowThresholdPercent",
    "must be less than imageGCHighThresholdPercent",
    (c) => c.imageGCLowThresholdPercent >= c.imageGCHighThresholdPercent,
  ],
  [
    "imageMaximumGCAge",
    "must be greater than imageMinimumGCAge",
    (c) => c.imageMaximumGCAge > 0 && c.imageMaximumGCAge <= c.imageMinimumGCAge,
  ],
  [
    "maxParallelImagePulls",
    "cannot be larger than 1 unless serializeImagePulls is set to false",
    (c) => c.serializeImagePulls === true && (c.maxParallelImagePulls ?? 1) > 1,
  ],
  [
    "shutdownGracePeriodCriticalPods",
    "must be <= shutdownGracePeriod",
    (c) => c.shutdownGracePeriodCriticalPods > c.shutdownGracePeriod,
  ],
  [
    "shutdownGracePeriod",
    "must be either zero or otherwise >= 1 sec",
    (c) => c.shutdownGracePeriod > 0 && c.shutdownGracePeriod < 1000,
  ],
  [
    "shutdownGracePeriodByPodPriority",
    "cannot be specified together with shutdownGracePeriod",
    (c) => c.shutdownGracePeriodByPodPriority.length > 0 && c.shutdownGracePeriod > 0,
  ],
  [
    "reservedSystemCPUs",
    "cannot be used with systemReservedCgroup or kubeReservedCgroup",
    (c) => c.reservedSystemCPUs !== "" && (c.systemReservedCgroup !== "" || c.kubeReservedCgroup !== ""),
  ],
  [
    "enforceNodeAllocatable",
    "needs cgroupsPerQOS to be true",
    (c) => !c.cgroupsPerQOS && c.enforceNodeAllocatable.some((key) => key !== "none"),
  ],
  [
    "enforceNodeAllocatable",
    'may not contain additional enforcements when "none" is specified',
    (c) => c.enforceNodeAllocatable.includes("none") && c.enforceNodeAllocatable.length > 1,
  ],
  [
    "enforceNodeAllocatable",
    "duplicated enforcements",
    (c) => new Set(c.enforceNodeAllocatable).size < c.enforceNodeAllocatable.length,
  ],
  ["systemReservedCgroup", "must be specified for that enforcement", (c) => lacksCgroup(c, "system")],
  ["kubeReservedCgroup", "must be specified for that enforcement", (c) => lacksCgroup(c, "kube")],
  [
    "preloadedImagesVerificationAllowlist",
    "needs imagePullCredentialsVerificationPolicy NeverVerifyAllowlistedImages",
    (c) =>
      c.preloadedImagesVerificationAllowlist.length > 0 &&
      c.imagePullCredentialsVerificationPolicy !== "NeverVerifyAllowlistedImages",
  ],
  [
    "enableSystemLogHandler",
    "is required for enableSystemLogQuery",
    (c) => c.enableSystemLogQuery && !c.enableSystemLogHandler,
  ],
];

function lacksCgroup(config: Whole, part: "system" | "kube"): boolean {
  const isEnforced = config.enforceNodeAllocatable.some((key) => key.startsWith(`${part}-reserved`));
  return isEnforced && config[`${part}ReservedCgroup`] === "";
}

export const kubeletConfiguration = whole
  .superRefine((config, context) => {
    for (const [field, message, isWrong] of joint) {
      if (isWrong(config)) context.addIssue({ code: "custom", path: [field], message });
    }
  })
  .transform(({ serializeImagePulls, nodeStatusReportFrequency, nodeStatusUpdateFrequency, ...rest }) => ({
    ...rest,
    // Who allows several pulls need not say that they are not one by one.
    serializeImagePulls: serializeImagePulls ?? (rest.maxParallelImagePulls ?? 1) < 2,
    nodeStatusUpdateFrequency: nodeStatusUpdateFrequency || 10_000,
    nodeStatusReportFrequency: nodeStatusReportFrequency || nodeStatusUpdateFrequency || 300_000,
  }));

/** As read: durations in ms, defaults filled in. */
export type KubeletConfiguration = z.output<typeof kubeletConfiguration>;
