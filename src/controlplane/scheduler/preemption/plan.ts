/** DefaultPreemption: whether pods of lower priority should go so that a pod fits, which, and on which node. */
import type { Cluster } from "../cluster/cluster.ts";
import type { NodeInfo } from "../cluster/node_info.ts";
import { fitErrorMessage, type Diagnosis } from "../framework/fit_error.ts";
import type { NamedFilter } from "../framework/filters.ts";
import { unresolvable, type Rejection } from "../framework/plugin.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { leastLoss } from "./candidates.ts";
import { selectVictims, type Candidate } from "./victims.ts";

export type PreemptionPlan =
  | { readonly type: "Preempt"; readonly candidate: Candidate }
  /** No pods that go would help: a node that was nominated is so no more. */
  | { readonly type: "NotHelpful"; readonly message: string }
  /** It may not preempt now; what was nominated stays. */
  | { readonly type: "NotEligible"; readonly message: string };

/** minCandidateNodesPercentage and minCandidateNodesAbsolute: so many candidates are enough. */
const enoughPercentage = 10;
const enoughNodes = 100;

const notHelpful = unresolvable("Preemption is not helpful for scheduling");

export interface Unschedulable {
  readonly diagnosis: Diagnosis;
  readonly filters: readonly NamedFilter[];
}

/** @param random from 0 to below 1: where the search begins */
export function planPreemption(
  pod: PodInfo,
  { diagnosis, filters }: Unschedulable,
  cluster: Cluster,
  random: () => number,
): PreemptionPlan {
  const reason = ineligibility(pod, diagnosis, cluster);
  if (reason !== undefined) return { type: "NotEligible", message: `preemption: ${reason}` };
  const nodes = resolvableNodes(diagnosis, cluster);
  const { candidates, rejections } = findCandidates(pod, filters, nodes, cluster, random);
  if (candidates.length > 0) return { type: "Preempt", candidate: leastLoss(candidates) };
  const { nodeCount } = diagnosis;
  const message = fitErrorMessage({ nodeCount, rejections, absent: notHelpful });
  return { type: "NotHelpful", message: `preemption: ${message}` };
}

function ineligibility(pod: PodInfo, { rejections }: Diagnosis, cluster: Cluster): string | undefined {
  if (pod.pod.spec.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
  const nominated = cluster.nominations.nodeOf(pod.uid) ?? pod.pod.status?.nominatedNodeName;
  if (!nominated || rejections.get(nominated)?.code === "UnschedulableAndUnresolvable") return undefined;
  const pods = cluster.node(nominated)?.pods.values() ?? [];
  for (const other of pods) {
    if (other.priority < pod.priority && isLeavingForAnother(other)) {
      return "not eligible due to a terminating pod on the nominated node.";
    }
  }
  return undefined;
}

/** It was preempted before and has not ended yet. */
function isLeavingForAnother({ isTerminating, pod: { status } }: PodInfo): boolean {
  if (!isTerminating) return false;
  const condition = status?.conditions?.find(({ type }) => type === "DisruptionTarget");
  return condition?.status === "True" && condition.reason === "PreemptionByScheduler";
}

function resolvableNodes({ rejections, absent }: Diagnosis, cluster: Cluster): readonly NodeInfo[] {
  return cluster.nodes.filter(({ name }) => (rejections.get(name) ?? absent)?.code === "Unschedulable");
}

function findCandidates(
  pod: PodInfo,
  filters: readonly NamedFilter[],
  nodes: readonly NodeInfo[],
  cluster: Cluster,
  random: () => number,
): { readonly candidates: readonly Candidate[]; readonly rejections: ReadonlyMap<string, Rejection> } {
  const rejections = new Map<string, Rejection>();
  const candidates: Candidate[] = [];
  const enough = Math.max(enoughNodes, Math.floor((nodes.length * enoughPercentage) / 100));
  const offset = Math.floor(random() * nodes.length);
  let harmless = 0;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[(offset + i) % nodes.length]!;
    const found = selectVictims(pod, filters, node, cluster);
    if ("code" in found) rejections.set(node.name, found);
    else {
      candidates.push(found);
      if (found.violations === 0) harmless++;
      if (harmless > 0 && candidates.length >= enough) break;
    }
  }
  return { candidates, rejections };
}
