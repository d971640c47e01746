/** Joins the pod fast path with this node's kernel. */
import type { NetworkConfiguration } from "../config/network.ts";
import type { RoutingPort } from "../kernel/ports.ts";
import { openBpf } from "../kernel/real/bpf.ts";
import { openSysctl } from "../kernel/real/sysctl.ts";
import type { ProgramLog } from "../log/log.ts";
import { FastPath, removeFastPath } from "../network/fast_path/fast_path.ts";
import { isVtepName } from "../network/overlay/observe.ts";
import type { PrometheusMetrics } from "../network/prometheus.ts";
import type { PodAttachment } from "../network/state/detail.ts";

interface OpenFastPath {
  readonly config: NetworkConfiguration;
  /** For the fast path alone: a port does one thing after another. */
  readonly routing: RoutingPort;
  readonly pods: () => readonly PodAttachment[];
  readonly metrics: PrometheusMetrics;
  readonly log: ProgramLog["log"];
}

/** @returns undefined where it is not wanted: what an earlier agent left of it is gone then */
export async function openFastPath(options: OpenFastPath): Promise<FastPath | undefined> {
  const { config, routing, pods, metrics, log } = options;
  const bpf = openBpf();
  if (!config.podFastPath.enabled) {
    await removeFastPath(bpf, routing);
    return undefined;
  }
  return new FastPath({
    bpf,
    routing,
    sysctl: openSysctl(),
    pods: () => pods().flatMap(({ isReady, detail }) => (isReady ? detail.link : [])),
    isTunnel: (name) => isVtepName(config.overlay, name),
    onError: (error) => {
      metrics.failed("fast-path");
      log.warn({ error: String(error) }, "cannot set the pod fast path up; it is tried again");
    },
    onProbed: (why) => {
      if (why) log.info({ why: why.message }, "this kernel has no pod fast path: all packets go through its stack");
      else log.info("the pod fast path is on");
    },
  });
}
