/** The node's control groups from its configuration, what is mounted, and what the runtime says of its driver. */
import type { EventRecorder } from "../../api/event_recorder.ts";
import type { KubeletConfiguration } from "../../config/kubelet.ts";
import { FairleadError } from "../../errors/catalogue.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { RuntimeService } from "../cri/runtime.ts";
import type { NodeMetrics } from "../node/metrics.ts";
import type { NodeFacts } from "../node/facts.ts";
import { cgroupSettings, type KubeletFlags } from "../settings.ts";
import { readPids } from "../stats/pids.ts";
import { readHierarchies } from "./hierarchies.ts";
import { NodeCgroups } from "./manager.ts";
import { systemdSlices } from "./systemd.ts";
import { CgroupTree } from "./tree.ts";

export interface OpenCgroupsOptions {
  readonly config: KubeletConfiguration;
  readonly flags: KubeletFlags;
  readonly runtime: RuntimeService;
  readonly metrics?: Pick<NodeMetrics, "cgroups" | "cgroupChanged">;
  readonly clock: Clock;
  readonly onError: (attempted: string, error: unknown) => void;
}

export async function openCgroups(
  { config, flags, runtime, metrics, clock, onError }: OpenCgroupsOptions,
  facts: NodeFacts,
  events: EventRecorder,
): Promise<{ readonly tree: CgroupTree; readonly manager: NodeCgroups }> {
  const [hierarchies, told, pids] = await Promise.all([readHierarchies(), runtime.cgroupDriver(), readPids()]);
  if (hierarchies.version === 1 && config.failCgroupV1) {
    const reason = "kubelet is configured to not run on a host using cgroup v1";
    throw new FairleadError("CGROUP", { subject: "/sys/fs/cgroup", reason });
  }
  // What the runtime does is what must be done (KEP-4033).
  const driver = told ?? config.cgroupDriver;
  const slices = driver === "systemd" ? systemdSlices(hierarchies.version) : undefined;
  metrics?.cgroups(hierarchies.version);
  const tree = new CgroupTree(hierarchies, driver, clock, slices, (...change) => metrics?.cgroupChanged(...change));
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: flags.nodeName, uid: flags.nodeName } };
  const capacity = { cpus: facts.cpus, memoryBytes: facts.memoryBytes, pids: pids.most };
  const settings = cgroupSettings(config, facts, driver);
  return { tree, manager: new NodeCgroups({ tree, settings, capacity, events, node, clock, onError }) };
}
