/** Where a pod may run: affinity, tolerations, spreading, gates. */
import type {
  V1Affinity,
  V1NodeSelector,
  V1NodeSelectorRequirement,
  V1NodeSelectorTerm,
  V1PodAffinityTerm,
  V1Toleration,
  V1TopologySpreadConstraint,
} from "@kubernetes/client-node";
import type { Causes } from "../../validation/causes.ts";
import type { Json } from "../../validation/json.ts";
import { validateLabelName, validateSelector, type LabelSelector } from "../../validation/labels.ts";
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from "../../validation/names.ts";

export function validateAffinity(affinity: Json<V1Affinity>, path: string, out: Causes): void {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  const required = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const requiredField = "requiredDuringSchedulingIgnoredDuringExecution";
  const preferredField = "preferredDuringSchedulingIgnoredDuringExecution";
  if (required) validateNodeSelector(required, `${path}.nodeAffinity.${requiredField}`, out);
  for (const [i, { weight, preference }] of (nodeAffinity?.[preferredField] ?? []).entries()) {
    const at = `${path}.nodeAffinity.${preferredField}[${i}]`;
    validateWeight(weight, at, out);
    validateNodeTerm(preference ?? {}, false, `${at}.preference`, out);
  }
  for (const [field, terms] of [
    ["podAffinity", podAffinity],
    ["podAntiAffinity", podAntiAffinity],
  ] as const) {
    for (const [i, term] of (terms?.[requiredField] ?? []).entries()) {
      validatePodTerm(term, `${path}.${field}.${requiredField}[${i}]`, out);
    }
    for (const [i, { weight, podAffinityTerm }] of (terms?.[preferredField] ?? []).entries()) {
      const at = `${path}.${field}.${preferredField}[${i}]`;
      validateWeight(weight, at, out);
      validatePodTerm(podAffinityTerm ?? {}, `${at}.podAffinityTerm`, out);
    }
  }
}

function validateWeight(weight: number | undefined, at: string, out: Causes): void {
  if ((weight ?? 0) <= 0 || weight! > 100) out.invalid(`${at}.weight`, weight ?? 0, "must be in the range 1-100");
}

export function validateNodeSelector(selector: Json<V1NodeSelector>, path: string, out: Causes): void {
  const terms = selector.nodeSelectorTerms ?? [];
  const at = `${path}.nodeSelectorTerms`;
  if (terms.length === 0) out.required(at, "must have at least one node selector term");
  for (const [i, term] of terms.entries()) validateNodeTerm(term, true, `${at}[${i}]`, out);
}

/** @param withValues whether labels' values are checked; preferences are let be, for they harm nothing */
function validateNodeTerm(term: Json<V1NodeSelectorTerm>, withValues: boolean, path: string, out: Causes): void {
  for (const [i, requirement] of (term.matchExpressions ?? []).entries()) {
    validateExpression(requirement, withValues, `${path}.matchExpressions[${i}]`, out);
  }
  for (const [i, requirement] of (term.matchFields ?? []).entries()) {
    validateFieldRequirement(requirement, `${path}.matchFields[${i}]`, out);
  }
}

type NodeRequirement = Json<V1NodeSelectorRequirement>;
const unknownOperator = "not a valid selector operator";

function validateExpression(requirement: NodeRequirement, withValues: boolean, path: string, out: Causes): void {
  const { key, operator = "", values = [] } = requirement;
  const at = `${path}.values`;
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) out.required(at, "must be specified when `operator` is 'In' or 'NotIn'");
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) out.forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  } else if (operator === "Gt" || operator === "Lt") {
    if (values.length !== 1) out.required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'");
  } else out.invalid(`${path}.operator`, operator, unknownOperator);
  validateLabelName(key, `${path}.key`, out);
  if (withValues) for (const [i, value] of values.entries()) out.invalidEach(`${at}[${i}]`, value, labelValue(value));
}

function validateFieldRequirement(
  { key, operator = "", values = [] }: NodeRequirement,
  path: string,
  out: Causes,
): void {
  if (operator !== "In" && operator !== "NotIn") out.invalid(`${path}.operator`, operator, unknownOperator);
  else if (values.length !== 1) {
    out.required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
  }
  if (key !== "metadata.name") return out.invalid(`${path}.key`, key ?? "", "not a valid field selector key");
  for (const [i, value] of values.entries()) out.invalidEach(`${path}.values[${i}]`, value, dns1123Subdomain(value));
}

function validatePodTerm(term: Json<V1PodAffinityTerm>, path: string, out: Causes): void {
  const { labelSelector, namespaceSelector, namespaces = [], topologyKey, matchLabelKeys = [] } = term;
  validateSelector(labelSelector, `${path}.labelSelector`, out);
  validateSelector(namespaceSelector, `${path}.namespaceSelector`, out);
  for (const name of namespaces) out.invalidEach(`${path}.namespace`, name, dns1123Label(name));
  const mismatch = term.mismatchLabelKeys ?? [];
  validateLabelKeys(matchLabelKeys, labelSelector, `${path}.matchLabelKeys`, out);
  validateLabelKeys(mismatch, labelSelector, `${path}.mismatchLabelKeys`, out);
  validateRepeatedKeys(matchLabelKeys, labelSelector, path, out);
  for (const [i, key] of matchLabelKeys.entries()) {
    if (!mismatch.includes(key)) continue;
    out.invalid(`${path}.matchLabelKeys[${i}]`, key, "exists in both matchLabelKeys and mismatchLabelKeys");
  }
  if (!topologyKey) out.required(`${path}.topologyKey`, "can not be empty");
  validateLabelName(topologyKey, `${path}.topologyKey`, out);
}

const noSelector = "must not be specified when labelSelector is not set";
const inBoth = "exists in both matchLabelKeys and labelSelector";

function validateLabelKeys(
  keys: readonly string[],
  selector: LabelSelector | undefined,
  path: string,
  out: Causes,
): void {
  if (keys.length > 0 && !selector) return out.forbidden(path, noSelector);
  for (const [i, key] of keys.entries()) validateLabelName(key, `${path}[${i}]`, out);
}

/** The key itself is in the selector already, once; a second time it came from the client. */
function validateRepeatedKeys(
  keys: readonly string[],
  selector: LabelSelector | undefined,
  path: string,
  out: Causes,
): void {
  const seen = new Set(Object.keys(selector?.matchLabels ?? {}));
  for (const { key = "" } of selector?.matchExpressions ?? []) {
    const i = keys.lastIndexOf(key);
    if (i >= 0 && seen.has(key)) out.invalid(`${path}[${i}]`, key, inBoth);
    seen.add(key);
  }
}

const effects: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export function validateTaintEffect(effect: string | undefined, path: string, out: Causes): void {
  out.enum(path, effect, effects);
}

export function validateTolerations(tolerations: readonly Json<V1Toleration>[], path: string, out: Causes): void {
  for (const [i, { key, operator, value = "", effect, tolerationSeconds }] of tolerations.entries()) {
    const at = `${path}[${i}]`;
    if (key) validateLabelName(key, `${at}.key`, out);
    else if (operator !== "Exists") {
      const words = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      out.invalid(`${at}.operator`, operator ?? "", words);
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      out.invalid(`${at}.effect`, effect ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    if (!operator || operator === "Equal") {
      const messages = labelValue(value);
      if (messages.length > 0) out.invalid(`${at}.operator`, value, messages.join(";"));
    } else if (operator === "Exists") {
      if (value !== "") out.invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'");
    } else out.notSupported(`${at}.operator`, operator, ["Equal", "Exists"]);
    if (effect) validateTaintEffect(effect, `${at}.effect`, out);
  }
}

type Spread = Json<V1TopologySpreadConstraint>;

export function validateSpread(constraints: readonly Spread[], path: string, out: Causes): void {
  for (const [i, constraint] of constraints.entries()) {
    const at = `${path}[${i}]`;
    const { maxSkew = 0, topologyKey = "", whenUnsatisfiable = "" } = constraint;
    if (maxSkew <= 0) out.invalid(`${at}.maxSkew`, maxSkew, "must be greater than zero");
    if (topologyKey === "") out.required(`${at}.topologyKey`, "can not be empty");
    if (!["DoNotSchedule", "ScheduleAnyway"].includes(whenUnsatisfiable)) {
      out.notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"]);
    }
    const isRepeated = constraints
      .slice(i + 1)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable);
    if (isRepeated) {
      out.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`);
    }
    validateSpreadDetails(constraint, at, out);
  }
}

function validateSpreadDetails(constraint: Spread, at: string, out: Causes): void {
  const { minDomains, whenUnsatisfiable = "", labelSelector, matchLabelKeys = [] } = constraint;
  if (minDomains !== undefined) {
    if (minDomains <= 0) out.invalid(`${at}.minDomains`, minDomains, "must be greater than zero");
    if (whenUnsatisfiable !== "DoNotSchedule") {
      const words = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
      out.invalid(`${at}.minDomains`, minDomains, words);
    }
  }
  for (const field of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const) {
    const policy = constraint[field];
    if (policy !== undefined && policy !== "Honor" && policy !== "Ignore") {
      out.notSupported(`${at}.${field}`, policy, ["Honor", "Ignore"]);
    }
  }
  const keys = [
    ...Object.keys(labelSelector?.matchLabels ?? {}),
    ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key),
  ];
  if (matchLabelKeys.length > 0 && !labelSelector) out.forbidden(`${at}.matchLabelKeys`, noSelector);
  for (const [i, key] of matchLabelKeys.entries()) {
    validateLabelName(key, `${at}.matchLabelKeys[${i}]`, out);
    if (keys.includes(key)) out.invalid(`${at}.matchLabelKeys[${i}]`, key, inBoth);
  }
  validateSelector(labelSelector, `${at}.labelSelector`, out);
}

export function validateGates(gates: readonly { name?: string | undefined }[], path: string, out: Causes): void {
  const seen = new Set<string>();
  for (const [i, { name = "" }] of gates.entries()) {
    out.invalidEach(`${path}[${i}]`, name, qualifiedName(name));
    if (seen.has(name)) out.duplicate(`${path}[${i}]`, name);
    seen.add(name);
  }
}
