/** One plugin alone on a cluster of a table's case. */
import type { Cluster } from "../../../../../src/controlplane/scheduler/cluster/cluster.ts";
import type { Plugin } from "../../../../../src/controlplane/scheduler/framework/plugin.ts";
import type { PodInfo } from "../../../../../src/controlplane/scheduler/model/pod_info.ts";

/** Node's name → "ok", or the reasons; those that can be resolved by preemption begin with "~". */
export function filtered(plugin: Plugin, pod: PodInfo, cluster: Cluster): Record<string, string> {
  const filter = plugin.filter?.(pod, cluster);
  const text = (node: Cluster["nodes"][number]): string => {
    const rejection = filter === undefined ? undefined : "code" in filter ? filter : filter.check(node);
    if (!rejection) return "ok";
    return `${rejection.code === "Unschedulable" ? "~" : ""}${rejection.reasons.join(", ")}`;
  };
  return Object.fromEntries(cluster.nodes.map((node) => [node.name, text(node)]));
}

/** Node's name → score after normalization; "skipped" where no node is better. */
export function scored(plugin: Plugin, pod: PodInfo, cluster: Cluster): Record<string, number> | "skipped" {
  const scorer = plugin.score?.(pod, cluster, cluster.nodes);
  if (!scorer) return "skipped";
  const scores = Float64Array.from(cluster.nodes, (node) => scorer.score(node));
  scorer.normalize?.(scores, cluster.nodes);
  return Object.fromEntries(cluster.nodes.map(({ name }, i) => [name, scores[i]!]));
}
