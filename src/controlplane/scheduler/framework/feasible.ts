/** The search for nodes that fit: it ends when enough are found, and the next begins where this one ended. */
import type { Cluster } from "../cluster/cluster.ts";
import type { NodeInfo } from "../cluster/node_info.ts";
import type { PodInfo } from "../model/pod_info.ts";
import type { Diagnosis } from "./fit_error.ts";
import { checkWithNominated, confinement, podFilters, type NamedFilter } from "./filters.ts";
import type { Plugin, Rejection } from "./plugin.ts";

/** At least so many are found where there are (minFeasibleNodesToFind). */
const leastFeasible = 100;
const leastPercentage = 5;

/** How many nodes of a cluster are enough (percentageOfNodesToScore's adaptive default). */
export function enoughNodes(nodeCount: number): number {
  if (nodeCount < leastFeasible) return nodeCount;
  const percentage = Math.max(leastPercentage, 50 - Math.floor(nodeCount / 125));
  return Math.max(leastFeasible, Math.floor((nodeCount * percentage) / 100));
}

export interface Feasible {
  readonly filters: readonly NamedFilter[];
  readonly nodes: readonly NodeInfo[];
  readonly diagnosis: Diagnosis;
  /** Nodes that were looked at. */
  readonly looked: number;
}

export function feasibleNodes(pod: PodInfo, cluster: Cluster, plugins: readonly Plugin[], startAt: number): Feasible {
  const { nodes: all } = cluster;
  const filters = podFilters(pod, cluster, plugins);
  if (!isList(filters)) return rejectedByAll(filters.plugin, filters.rejection, all.length);
  const confined = confinement(filters);
  const names = confined?.names;
  const candidates = names ? all.filter(({ name }) => names.has(name)) : all;
  const rejections = new Map<string, Rejection>();
  const rejectedBy = new Set<string>(confined?.plugins);
  const diagnosis = { nodeCount: all.length, rejections, absent: confined?.rejection, plugins: rejectedBy };
  const nominated = nominatedNode(pod, cluster, filters, names);
  if (nominated) return { filters, nodes: [nominated], diagnosis, looked: 0 };
  const nodes: NodeInfo[] = [];
  const enough = enoughNodes(candidates.length);
  let looked = 0;
  for (; looked < candidates.length && nodes.length < enough; looked++) {
    const node = candidates[(startAt + looked) % candidates.length]!;
    const rejected = checkWithNominated(filters, pod, node, cluster);
    if (!rejected) nodes.push(node);
    else {
      rejections.set(node.name, rejected.rejection);
      rejectedBy.add(rejected.plugin);
    }
  }
  return { filters, nodes, diagnosis, looked: names ? 0 : looked };
}

function isList<T, Other>(value: readonly T[] | Other): value is readonly T[] {
  return Array.isArray(value);
}

/** The node whose victims went for this pod is tried alone first. */
function nominatedNode(
  pod: PodInfo,
  cluster: Cluster,
  filters: readonly NamedFilter[],
  names: ReadonlySet<string> | undefined,
): NodeInfo | undefined {
  const nodeName = cluster.nominations.nodeOf(pod.uid) ?? pod.pod.status?.nominatedNodeName;
  if (!nodeName || names?.has(nodeName) === false) return undefined;
  const node = cluster.node(nodeName);
  return node && !checkWithNominated(filters, pod, node, cluster) ? node : undefined;
}

function rejectedByAll(plugin: string, rejection: Rejection, nodeCount: number): Feasible {
  const diagnosis: Diagnosis = {
    nodeCount,
    rejections: new Map(),
    absent: rejection,
    preFilterMessage: rejection.reasons.join(", "),
    plugins: new Set([plugin]),
  };
  return { filters: [], nodes: [], diagnosis, looked: 0 };
}
