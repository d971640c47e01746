/** Which of the nodes that fit is best: the sum of the plugins' scores by their weights. */
import type { Cluster } from "../cluster/cluster.ts";
import type { NodeInfo } from "../cluster/node_info.ts";
import type { PodInfo } from "../model/pod_info.ts";
import type { Plugin } from "./plugin.ts";

export function totalScores(
  pod: PodInfo,
  cluster: Cluster,
  plugins: readonly Plugin[],
  nodes: readonly NodeInfo[],
): Float64Array {
  const total = new Float64Array(nodes.length);
  const scores = new Float64Array(nodes.length);
  for (const plugin of plugins) {
    const scorer = plugin.score?.(pod, cluster, nodes);
    if (!scorer) continue;
    for (let i = 0; i < nodes.length; i++) scores[i] = scorer.score(nodes[i]!);
    scorer.normalize?.(scores, nodes);
    const weight = plugin.weight ?? 1;
    for (let i = 0; i < nodes.length; i++) total[i]! += weight * scores[i]!;
  }
  return total;
}

/** One of the best, each as likely as the others. @param random from 0 to below 1 */
export function bestNode(nodes: readonly NodeInfo[], total: Float64Array, random: () => number): NodeInfo {
  let best = -1;
  let ties = 0;
  let chosen = 0;
  for (let i = 0; i < nodes.length; i++) {
    const score = total[i]!;
    if (score > best) {
      best = score;
      chosen = i;
      ties = 1;
    } else if (score === best && Math.floor(random() * ++ties) === 0) chosen = i;
  }
  return nodes[chosen]!;
}
