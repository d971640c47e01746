/** Nodes in domains with fewer of the pod's kind are better (plugins/podtopologyspread scoring). */
import type { Cluster } from "../cluster/cluster.ts";
import type { NodeInfo } from "../cluster/node_info.ts";
import { maxScore, type NodeScorer } from "../framework/plugin.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { defaultConstraints, hostnameLabel, type SpreadConstraint } from "../model/spread.ts";
import { defaultSelector } from "./default_spread.ts";
import { hasAllKeys, isDomain, spreadCounts } from "./spread_domains.ts";

interface WeightedCounts {
  readonly constraint: SpreadConstraint;
  /** Of domains with many members each pod weighs less: ln(domains + 2). */
  readonly weight: number;
  readonly countOn: (node: NodeInfo, value: string) => number;
}

export function spreadScorer(pod: PodInfo, cluster: Cluster, nodes: readonly NodeInfo[]): NodeScorer | undefined {
  const { constraints, needsAllKeys } = constraintsOf(pod, cluster);
  if (constraints.length === 0) return undefined;
  const isIgnored = (node: NodeInfo): boolean => needsAllKeys && !hasAllKeys(node, constraints);
  const counted = constraints.map((constraint) => {
    const candidates = nodes.filter((node) => !isIgnored(node));
    return weightedCounts(constraint, pod, cluster, { candidates, isIgnored });
  });
  return {
    score(node) {
      if (isIgnored(node)) return 0;
      let score = 0;
      for (const { constraint, weight, countOn } of counted) {
        const value = node.labels[constraint.topologyKey];
        if (value !== undefined) score += countOn(node, value) * weight + (constraint.maxSkew - 1);
      }
      return Math.round(score);
    },
    normalize: (scores) => normalize(scores, nodes.map(isIgnored)),
  };
}

function constraintsOf(pod: PodInfo, cluster: Cluster) {
  const own = pod.pod.spec.topologySpreadConstraints ?? [];
  if (own.length > 0) return { constraints: pod.spread.preferred, needsAllKeys: true };
  const selector = defaultSelector(pod, cluster);
  return { constraints: selector ? defaultConstraints(selector) : [], needsAllKeys: false };
}

function weightedCounts(
  constraint: SpreadConstraint,
  pod: PodInfo,
  cluster: Cluster,
  of: { readonly candidates: readonly NodeInfo[]; readonly isIgnored: (node: NodeInfo) => boolean },
): WeightedCounts {
  const onNodes = spreadCounts(constraint, pod, cluster);
  const { topologyKey } = constraint;
  if (topologyKey === hostnameLabel) {
    const countOn = ({ name }: NodeInfo): number => onNodes.get(name) ?? 0;
    return { constraint, weight: Math.log(of.candidates.length + 2), countOn };
  }
  const domains = new Map<string, number>();
  for (const { labels } of of.candidates) {
    const value = labels[topologyKey];
    if (value !== undefined) domains.set(value, 0);
  }
  for (const [name, count] of onNodes) {
    const node = cluster.node(name);
    const value = node?.labels[topologyKey];
    if (!node || value === undefined || !domains.has(value)) continue;
    if (of.isIgnored(node) || !isDomain(node, constraint, pod)) continue;
    domains.set(value, domains.get(value)! + count);
  }
  return {
    constraint,
    weight: Math.log(domains.size + 2),
    countOn: (_, value) => domains.get(value) ?? 0,
  };
}

/** The fewest are 100; ignored nodes 0. */
function normalize(scores: Float64Array, ignored: readonly boolean[]): void {
  let min = Infinity;
  let max = 0;
  for (const [i, score] of scores.entries()) {
    if (ignored[i]) continue;
    if (score < min) min = score;
    if (score > max) max = score;
  }
  for (let i = 0; i < scores.length; i++) {
    if (ignored[i]) scores[i] = 0;
    else scores[i] = max === 0 ? maxScore : Math.floor((maxScore * (max + min - scores[i]!)) / max);
  }
}
