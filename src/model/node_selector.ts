/** Which nodes a pod may or would like to have: nodeSelector and node affinity (component-helpers/scheduling/corev1/nodeaffinity). */
import type { V1NodeSelectorRequirement, V1NodeSelectorTerm, V1NodeSelector } from "@kubernetes/client-node";
import type { Json, Pod } from "./kubernetes.ts";
import type { Labels } from "./label_selector.ts";

type Requirement = Json<V1NodeSelectorRequirement>;
type Term = Json<V1NodeSelectorTerm>;

/** What of a node is selected by. */
export interface SelectableNode {
  readonly name: string;
  readonly labels: Labels;
}

export type NodeMatcher = (node: SelectableNode) => boolean;

export interface PreferredNodes {
  readonly weight: number;
  readonly matches: NodeMatcher;
}

/** What the pod's nodeSelector and required affinity demand; undefined: any node. */
export function requiredNodes({ spec }: Pod): NodeMatcher | undefined {
  const labels = Object.entries(spec.nodeSelector ?? {});
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (labels.length === 0 && !required) return undefined;
  const affinity = required ? nodeSelectorMatcher(required) : (): boolean => true;
  return (node) => labels.every(([key, value]) => own(node.labels, key) === value) && affinity(node);
}

export function preferredNodes({ spec }: Pod): readonly PreferredNodes[] {
  const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred
    .filter(({ weight, preference }) => weight !== 0 && !isEmpty(preference))
    .map(({ weight, preference }) => ({ weight, matches: termMatcher(preference) }));
}

/** Any of its terms; terms that say nothing select nothing. */
export function nodeSelectorMatcher({ nodeSelectorTerms }: Json<V1NodeSelector>): NodeMatcher {
  const terms = nodeSelectorTerms.filter((term) => !isEmpty(term)).map(termMatcher);
  return (node) => terms.some((matches) => matches(node));
}

/**
 * The only nodes that required affinity leaves, where every term names nodes (a DaemonSet's pods): then no other
 * needs to be looked at.
 */
export function namedNodes({ spec }: Pod): ReadonlySet<string> | undefined {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const term of terms) {
    const named = namesOf(term);
    if (!named) return undefined;
    for (const name of named) names.add(name);
  }
  return names;
}

function namesOf({ matchFields = [] }: Term): readonly string[] | undefined {
  let names: readonly string[] | undefined;
  for (const { key, operator, values = [] } of matchFields) {
    if (key !== "metadata.name" || operator !== "In") continue;
    names = names ? names.filter((name) => values.includes(name)) : values;
  }
  return names;
}

function isEmpty({ matchExpressions = [], matchFields = [] }: Term): boolean {
  return matchExpressions.length === 0 && matchFields.length === 0;
}

function termMatcher({ matchExpressions = [], matchFields = [] }: Term): NodeMatcher {
  const labels = matchExpressions.map(requirement);
  const fields = matchFields.map(requirement);
  const keys = matchExpressions.map(({ key }) => key);
  const fieldKeys = matchFields.map(({ key }) => key);
  return (node) =>
    labels.every((matches, i) => matches(own(node.labels, keys[i]!))) &&
    fields.every((matches, i) => matches(fieldKeys[i] === "metadata.name" ? node.name : undefined));
}

function requirement({ operator, values = [] }: Requirement): (value: string | undefined) => boolean {
  switch (operator) {
    case "In":
      return (value) => value !== undefined && values.includes(value);
    case "NotIn":
      return (value) => value === undefined || !values.includes(value);
    case "Exists":
      return (value) => value !== undefined;
    case "DoesNotExist":
      return (value) => value === undefined;
    case "Gt":
      return (value) => isWhole(value) && isWhole(values[0]) && BigInt(value) > BigInt(values[0]);
    case "Lt":
      return (value) => isWhole(value) && isWhole(values[0]) && BigInt(value) < BigInt(values[0]);
    default:
      return () => false;
  }
}

function isWhole(text: string | undefined): text is string {
  return text !== undefined && /^-?\d+$/.test(text);
}

function own(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
