/** What is counted when somebody asks: pods as they are then. */
import type { Registry } from "prom-client";
import { MetricSet } from "../../../http/metric_set.ts";
import { allContainers } from "../../pods/containers.ts";
import { isStaticPod } from "../../pods/names.ts";
import { isRunning } from "../../pods/observed.ts";
import { isFinal } from "../../pods/status/phase.ts";
import { pluginOf } from "../../volumes/plugins.ts";
import type { PodIndex, PodView, WorkingPod } from "../pod_index.ts";
import { readDefinitions } from "./read_definitions.ts";

type Name = keyof typeof readDefinitions;

const lifecycles = ["sync", "terminating", "terminated"] as const;
/** What upstream's worker may be: of each there is a number, and be it 0. */
const configs = [
  ["desired", ""],
  ["desired", "true"],
  ["orphan", ""],
  ["orphan", "true"],
  ["runtime_only", "unknown"],
] as const;

/** @param hasApi there is an API server, in which mirrors show static pods */
export function readMetrics(registry: Registry, pods: PodIndex, hasApi: boolean): void {
  const all = (): readonly PodView[] => pods.all();
  const readers: Readonly<Record<Name, () => void>> = {
    runningPods: () => metrics.set("runningPods", all().filter(hasSandbox).length),
    runningContainers: () => tellContainers(metrics, all()),
    ephemeralContainers: () => metrics.set("ephemeralContainers", ephemeral(all())),
    desiredPods: () => byOrigin(metrics, "desiredPods", all()),
    activePods: () =>
      byOrigin(
        metrics,
        "activePods",
        all().filter(({ current }) => !isFinal(current.status?.phase)),
      ),
    mirrorPods: () => metrics.set("mirrorPods", hasApi ? pods.working().filter(isMirrored).length : 0),
    workingPods: () => tellWorking(metrics, pods.working()),
    volumes: () => tellVolumes(metrics, all()),
  };
  const metrics: MetricSet<Name> = new MetricSet(registry, readDefinitions, readers);
}

function hasSandbox({ observed }: PodView): boolean {
  return observed.sandboxes.some(({ isReady }) => isReady);
}

function isMirrored({ current, isGone, isRejected }: WorkingPod): boolean {
  return isStaticPod(current) && !isGone && !isRejected;
}

function ephemeral(all: readonly PodView[]): number {
  return all.flatMap(({ current }) => allContainers(current)).filter(({ kind }) => kind === "ephemeral").length;
}

function tellContainers(metrics: MetricSet<Name>, all: readonly PodView[]): void {
  metrics.clear("runningContainers");
  for (const { state } of all.flatMap(({ observed }) => observed.containers)) {
    metrics.add("runningContainers", 1, { container_state: state });
  }
}

function byOrigin(metrics: MetricSet<Name>, name: Name, pods: readonly PodView[]): void {
  const fixed = pods.filter(({ current }) => isStaticPod(current)).length;
  metrics.set(name, pods.length - fixed, { static: "" });
  metrics.set(name, fixed, { static: "true" });
}

function tellWorking(metrics: MetricSet<Name>, all: readonly WorkingPod[]): void {
  for (const lifecycle of lifecycles) {
    for (const [config, fixed] of configs) metrics.set("workingPods", 0, { lifecycle, config, static: fixed });
  }
  for (const pod of all) if (!pod.isRejected) metrics.add("workingPods", 1, workingLabels(pod));
}

function workingLabels(pod: WorkingPod) {
  const { current, observed, isGone, isRuntimeOnly, termination } = pod;
  const { deletionTimestamp } = current.metadata;
  const isEnding = isGone || deletionTimestamp !== undefined || termination || isFinal(current.status?.phase);
  const lifecycle = !isEnding ? "sync" : observed.containers.some(isRunning) ? "terminating" : "terminated";
  if (isRuntimeOnly) return { lifecycle, config: "runtime_only", static: "unknown" };
  return { lifecycle, config: isGone ? "orphan" : "desired", static: isStaticPod(current) ? "true" : "" };
}

/** Of those that are wanted the kind of a claim's volume is known once it is there. */
function tellVolumes(metrics: MetricSet<Name>, all: readonly PodView[]): void {
  metrics.clear("volumes");
  for (const { current, volumes } of all) {
    for (const volume of current.spec.volumes ?? []) {
      const plugin_name = volumes?.get(volume.name)?.plugin ?? pluginOf(volume) ?? "N/A";
      metrics.add("volumes", 1, { plugin_name, state: "desired_state_of_world" });
    }
    for (const { plugin } of volumes?.values() ?? []) {
      metrics.add("volumes", 1, { plugin_name: plugin, state: "actual_state_of_world" });
    }
  }
}
