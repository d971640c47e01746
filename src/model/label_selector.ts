/** Label selectors of objects (meta/v1 LabelSelector): what an owner's pods are, what a budget counts. */

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelSelectorRequirement[];
}

export interface LabelSelectorRequirement {
  readonly key: string;
  /** In, NotIn, Exists, DoesNotExist */
  readonly operator: string;
  readonly values?: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels | undefined) => boolean;

const none: Labels = {};

/** @returns what tells whether labels are selected: none by no selector, all by an empty one */
export function labelMatcher(selector: LabelSelector | undefined): LabelMatcher {
  if (selector === undefined) return () => false;
  const { matchLabels = none, matchExpressions = [] } = selector;
  const wanted = Object.entries(matchLabels);
  const tests = matchExpressions.map(requirement);
  return (labels = none) =>
    wanted.every(([key, value]) => own(labels, key) === value) && tests.every((test) => test(labels));
}

/** A selector of a map alone (a Service's, a ReplicationController's). */
export function equalityMatcher(selector: Labels | undefined): LabelMatcher {
  return labelMatcher(selector === undefined ? undefined : { matchLabels: selector });
}

function requirement({ key, operator, values = [] }: LabelSelectorRequirement): (labels: Labels) => boolean {
  switch (operator) {
    case "In":
      return (labels) => values.includes(own(labels, key) ?? "") && own(labels, key) !== undefined;
    case "NotIn":
      return (labels) => own(labels, key) === undefined || !values.includes(own(labels, key)!);
    case "Exists":
      return (labels) => own(labels, key) !== undefined;
    case "DoesNotExist":
      return (labels) => own(labels, key) === undefined;
    default:
      return () => false;
  }
}

function own(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** As a list request's parameter, "app=web,tier in (a,b)". */
export function selectorText({ matchLabels = none, matchExpressions = [] }: LabelSelector): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return [...equal, ...matchExpressions.map(requirementText)].join(",");
}

function requirementText({ key, operator, values = [] }: LabelSelectorRequirement): string {
  if (operator === "Exists") return key;
  if (operator === "DoesNotExist") return `!${key}`;
  return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
}
