/** Terms of inter-pod affinity: which pods, by labels and namespaces, and what is near (pkg/scheduler/framework AffinityTerm). */
import type { V1PodAffinityTerm, V1WeightedPodAffinityTerm } from "@kubernetes/client-node";
import type { Json, Pod } from "../../../model/kubernetes.ts";
import {
  labelMatcher,
  type LabelMatcher,
  type Labels,
  type LabelSelector,
  type LabelSelectorRequirement,
} from "../../../model/label_selector.ts";
import { selectorHook } from "./selector_hook.ts";

export interface PodTerm {
  /** Equal for terms that mean the same. */
  readonly key: string;
  /** Equal for terms that select the same labels. */
  readonly selectorKey: string;
  readonly topologyKey: string;
  readonly namespaces: ReadonlySet<string>;
  /** Further namespaces by their labels. */
  readonly namespaceSelector: LabelMatcher | undefined;
  /** Whether namespaceSelector selects all that there are. */
  readonly anyNamespace: boolean;
  readonly matches: LabelMatcher;
  /** A label that every pod which the term means has (selectorHook). */
  readonly hook: string | undefined;
}

export interface WeightedTerm {
  readonly term: PodTerm;
  readonly weight: number;
}

export interface PodTerms {
  readonly requiredAffinity: readonly PodTerm[];
  readonly requiredAntiAffinity: readonly PodTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
}

const none: PodTerms = {
  requiredAffinity: [],
  requiredAntiAffinity: [],
  preferredAffinity: [],
  preferredAntiAffinity: [],
};

export function podTerms(pod: Pod): PodTerms {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  if (!podAffinity && !podAntiAffinity) return none;
  const required = (terms: readonly Json<V1PodAffinityTerm>[] = []) => terms.map((term) => podTerm(term, pod));
  const preferred = (terms: readonly Json<V1WeightedPodAffinityTerm>[] = []) =>
    terms.map(({ weight, podAffinityTerm }) => ({ weight, term: podTerm(podAffinityTerm, pod) }));
  return {
    requiredAffinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

function podTerm(term: Json<V1PodAffinityTerm>, { metadata }: Pod): PodTerm {
  const { topologyKey, namespaceSelector } = term;
  const namespaces = namespacesOf(term, metadata.namespace!);
  const selector = withLabelKeys(term, metadata.labels ?? {});
  const selectorKey = JSON.stringify(selector ?? null);
  return {
    key: JSON.stringify([topologyKey, namespaces, namespaceSelector ?? null, selectorKey]),
    selectorKey,
    topologyKey,
    namespaces: new Set(namespaces),
    namespaceSelector: namespaceSelector && labelMatcher(namespaceSelector),
    anyNamespace: namespaceSelector !== undefined && isEmpty(namespaceSelector),
    matches: labelMatcher(selector),
    hook: selectorHook(selector),
  };
}

function namespacesOf({ namespaces = [], namespaceSelector }: Json<V1PodAffinityTerm>, own: string): readonly string[] {
  return namespaces.length === 0 && !namespaceSelector ? [own] : namespaces;
}

/** KEP-3633. The server merges them at creation; merged twice they mean the same. */
function withLabelKeys(
  { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] }: Json<V1PodAffinityTerm>,
  labels: Labels,
): LabelSelector | undefined {
  if (!labelSelector) return undefined;
  return withRequirements(labelSelector, [
    ...requirements(matchLabelKeys, labels, "In"),
    ...requirements(mismatchLabelKeys, labels, "NotIn"),
  ]);
}

/** Requirements that the pod's own values of some labels make. */
export function requirements(
  keys: readonly string[],
  labels: Labels,
  operator: "In" | "NotIn",
): readonly LabelSelectorRequirement[] {
  return keys.filter((key) => Object.hasOwn(labels, key)).map((key) => ({ key, operator, values: [labels[key]!] }));
}

export function withRequirements(selector: LabelSelector, more: readonly LabelSelectorRequirement[]): LabelSelector {
  if (more.length === 0) return selector;
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...more] };
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

/** Whether a term means a pod. @param namespaceLabels those of the pod's namespace */
export function termMatches(
  term: PodTerm,
  pod: { readonly namespace: string; readonly labels: Labels },
  namespaceLabels: Labels | undefined,
): boolean {
  const isNamespace =
    term.anyNamespace ||
    term.namespaces.has(pod.namespace) ||
    (term.namespaceSelector !== undefined && term.namespaceSelector(namespaceLabels));
  return isNamespace && term.matches(pod.labels);
}
