/** Labels, annotations and label selectors (apimachinery/pkg/apis/meta/v1/validation). */
import type { V1LabelSelector, V1LabelSelectorRequirement } from "@kubernetes/client-node";
import type { Causes } from "./causes.ts";
import type { Json } from "./json.ts";
import { labelValue, qualifiedName } from "./names.ts";

export type Labels = Record<string, string>;
export type LabelSelector = Json<V1LabelSelector>;

/** An object's annotations together, in bytes. */
const maxAnnotations = 256 * 1024;

export function validateLabelName(name: string | undefined, path: string, out: Causes): void {
  out.invalidEach(path, name ?? "", qualifiedName(name ?? ""));
}

export function validateLabels(labels: Labels | undefined, path: string, out: Causes): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    validateLabelName(key, path, out);
    out.invalidEach(path, value, labelValue(value));
  }
}

export function validateAnnotations(annotations: Labels | undefined, path: string, out: Causes): void {
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    out.invalidEach(path, key, qualifiedName(key.toLowerCase()));
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > maxAnnotations) out.tooLong(path, maxAnnotations);
}

export function validateSelector(selector: LabelSelector | undefined, path: string, out: Causes): void {
  if (!selector) return;
  validateLabels(selector.matchLabels, `${path}.matchLabels`, out);
  for (const [i, requirement] of (selector.matchExpressions ?? []).entries()) {
    validateRequirement(requirement, `${path}.matchExpressions[${i}]`, out);
  }
}

function validateRequirement(requirement: Json<V1LabelSelectorRequirement>, path: string, out: Causes): void {
  const { key, operator, values = [] } = requirement;
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) {
        out.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      }
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0) {
        out.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
      break;
    default:
      out.invalid(`${path}.operator`, operator ?? "", "not a valid selector operator");
  }
  validateLabelName(key, `${path}.key`, out);
  for (const [i, value] of values.entries()) out.invalidEach(`${path}.values[${i}]`, value, labelValue(value));
}

export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length === 0;
}

/** Whether a selector selects labels; one that is absent selects nothing, an empty one everything. */
export function selects(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (!selector) return false;
  const has = (key: string): boolean => Object.hasOwn(labels ?? {}, key);
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => has(key) && labels![key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key = "", operator, values = [] }) => {
      const isIn = has(key) && values.includes(labels![key]!);
      if (operator === "In") return isIn;
      if (operator === "NotIn") return !isIn;
      return (operator === "Exists") === has(key);
    })
  );
}
