/** Constraints of topology spread (KEP-895), each with its own selector and rules of which nodes count. */
import type { V1TopologySpreadConstraint } from "@kubernetes/client-node";
import type { Json, Pod } from "../../../model/kubernetes.ts";
import { labelMatcher, type LabelMatcher, type LabelSelector } from "../../../model/label_selector.ts";
import { selectorHook } from "./selector_hook.ts";
import { requirements, withRequirements } from "./pod_terms.ts";

export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  /** Equal for constraints that select the same labels. */
  readonly selectorKey: string;
  readonly matches: LabelMatcher;
  /** A label that every pod which it selects has (selectorHook). */
  readonly hook: string | undefined;
  /** Nodes that the pod's node affinity leaves out are no domains (default). */
  readonly honorsAffinity: boolean;
  /** Nodes whose taints the pod does not tolerate are no domains. */
  readonly honorsTaints: boolean;
}

export interface SpreadConstraints {
  readonly required: readonly SpreadConstraint[];
  readonly preferred: readonly SpreadConstraint[];
}

export const hostnameLabel = "kubernetes.io/hostname";
export const zoneLabel = "topology.kubernetes.io/zone";
export const regionLabel = "topology.kubernetes.io/region";

const none: SpreadConstraints = { required: [], preferred: [] };

export function spreadConstraints({ spec, metadata }: Pod): SpreadConstraints {
  const all = spec.topologySpreadConstraints ?? [];
  if (all.length === 0) return none;
  const of = (action: string) =>
    all
      .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
      .map((constraint) => compiled(constraint, selectorOf(constraint, metadata.labels ?? {})));
  return { required: of("DoNotSchedule"), preferred: of("ScheduleAnyway") };
}

/** What pods without constraints of their own get, by what controls them (PodTopologySpread's system defaults). */
export function defaultConstraints(selector: LabelSelector): readonly SpreadConstraint[] {
  return [
    compiled({ topologyKey: hostnameLabel, maxSkew: 3, whenUnsatisfiable: "ScheduleAnyway" }, selector),
    compiled({ topologyKey: zoneLabel, maxSkew: 5, whenUnsatisfiable: "ScheduleAnyway" }, selector),
  ];
}

function selectorOf(
  { labelSelector, matchLabelKeys = [] }: Json<V1TopologySpreadConstraint>,
  labels: Readonly<Record<string, string>>,
): LabelSelector | undefined {
  return labelSelector && withRequirements(labelSelector, requirements(matchLabelKeys, labels, "In"));
}

function compiled(constraint: Json<V1TopologySpreadConstraint>, selector: LabelSelector | undefined): SpreadConstraint {
  const { topologyKey, maxSkew, minDomains = 1, nodeAffinityPolicy, nodeTaintsPolicy } = constraint;
  return {
    topologyKey,
    maxSkew,
    minDomains,
    selectorKey: JSON.stringify(selector ?? null),
    matches: labelMatcher(selector),
    hook: selectorHook(selector),
    honorsAffinity: nodeAffinityPolicy !== "Ignore",
    honorsTaints: nodeTaintsPolicy === "Honor",
  };
}
