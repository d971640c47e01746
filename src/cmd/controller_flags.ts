/** Flags of what acts by itself in `fairlead server`; names and defaults are those of kube-controller-manager. */
import { Option, type Command } from "commander";
import { defaultControllerOptions, type ControllerOptions } from "../controlplane/controllers/options.ts";
import { addressPool, addressRanges, duration, repeated, truth, wholeNumber } from "./flag_values.ts";

export interface ControllerFlags {
  readonly controllers?: readonly string[];
  readonly disableScheduler?: true;
  /** Absent: where several servers may share a store. */
  readonly leaderElect?: boolean;
  readonly clusterCidr?: readonly string[];
  readonly allocateNodeCidrs?: boolean;
  readonly nodeCidrMaskSizeIpv4: number;
  readonly nodeCidrMaskSizeIpv6: number;
  readonly loadBalancerPool?: readonly string[];
  readonly nodeMonitorGracePeriod: number;
  readonly nodeMonitorPeriod: number;
  readonly terminatedPodGcThreshold: number;
  readonly clusterSigningDuration: number;
  readonly localPathFolder: string;
}

const byDefault = defaultControllerOptions;

export function configureControllers(command: Command): void {
  acting(command);
  nodes(command);
  command
    .addOption(
      new Option("--load-balancer-pool <ranges>", "addresses for Services of type LoadBalancer (10.0.0.0/28, a-b)")
        .argParser(addressPool)
        .default(undefined, "none: they stay pending"),
    )
    .option(
      "--terminated-pod-gc-threshold <n>",
      "pods that have ended, of which the oldest go beyond it; 0: none go",
      wholeNumber(0, 10_000_000),
      byDefault.terminatedPodGcThreshold,
    )
    .addOption(
      new Option("--cluster-signing-duration <duration>", "the longest life of a certificate that is signed")
        .argParser(duration)
        .default(byDefault.clusterSigningDurationMs, "8760h"),
    )
    .option(
      "--local-path-folder <folder>",
      "of each node, in which volumes of the StorageClass local-path are",
      byDefault.localPathFolder,
    );
}

function acting(command: Command): void {
  command
    .addOption(
      new Option(
        "--controllers <names>",
        "controllers to run: '*' is all that are on by default, '-name' leaves one out",
      )
        .argParser(repeated)
        .default(undefined, "*"),
    )
    .option("--disable-scheduler", "leave scheduling to somebody else")
    .addOption(
      new Option("--leader-elect [bool]", "let one of several servers act")
        .argParser(truth)
        .preset("true")
        .default(undefined, "true with --etcd-servers; an embedded store has one server"),
    );
}

function nodes(command: Command): void {
  command
    .option("--cluster-cidr <ranges>", "pods' addresses: one range, or two of two families", addressRanges)
    .addOption(
      new Option("--allocate-node-cidrs [bool]", "give each node a part of --cluster-cidr")
        .argParser(truth)
        .preset("true")
        .default(undefined, "true with --cluster-cidr"),
    )
    .option("--node-cidr-mask-size-ipv4 <bits>", "prefix of a node's range", wholeNumber(1, 32), 24)
    .option("--node-cidr-mask-size-ipv6 <bits>", "prefix of a node's range", wholeNumber(1, 128), 64)
    .addOption(
      new Option("--node-monitor-grace-period <duration>", "silence after which a node is not ready")
        .argParser(duration)
        .default(byDefault.nodeMonitorGracePeriodMs, "50s"),
    )
    .addOption(
      new Option("--node-monitor-period <duration>", "how often nodes are looked at")
        .argParser(duration)
        .default(byDefault.nodeMonitorPeriodMs, "5s"),
    );
}

export function controllerOptionsOf(flags: ControllerFlags, serviceCidrs: readonly string[]): ControllerOptions {
  return {
    ...byDefault,
    clusterCidrs: flags.allocateNodeCidrs === false ? [] : (flags.clusterCidr ?? []),
    nodeCidrMaskSizes: { ipv4: flags.nodeCidrMaskSizeIpv4, ipv6: flags.nodeCidrMaskSizeIpv6 },
    serviceCidrs,
    loadBalancerPool: flags.loadBalancerPool ?? [],
    nodeMonitorGracePeriodMs: flags.nodeMonitorGracePeriod,
    nodeMonitorPeriodMs: flags.nodeMonitorPeriod,
    terminatedPodGcThreshold: flags.terminatedPodGcThreshold,
    clusterSigningDurationMs: flags.clusterSigningDuration,
    localPathFolder: flags.localPathFolder,
  };
}
