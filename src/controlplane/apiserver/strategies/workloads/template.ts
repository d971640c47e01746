/** What controllers of pods share: their selector and the template that it must select. */
import type { Causes } from "../../validation/causes.ts";
import { isEmptySelector, selects, validateSelector, type LabelSelector } from "../../validation/labels.ts";
import type { PodTemplate } from "../pod/model.ts";
import { validatePodTemplate } from "../pod/spec.ts";

/** @param kind as the message calls it, "deployment" */
export function validateControllerSelector(
  selector: LabelSelector | undefined,
  kind: string,
  out: Causes,
  ending = "",
): void {
  if (!selector) return out.required("spec.selector");
  validateSelector(selector, "spec.selector", out);
  if (isEmptySelector(selector)) {
    out.invalid("spec.selector", selector, `empty selector is invalid for ${kind}${ending}`);
  }
}

/** A template whose pods run for ever, and are found again by the selector. */
export function validateRunningTemplate(
  template: PodTemplate,
  selector: LabelSelector | undefined,
  kind: string,
  out: Causes,
): void {
  validateSelected(template, selector, out);
  validatePodTemplate(template, "spec.template", out);
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== "Always") out.notSupported("spec.template.spec.restartPolicy", restartPolicy ?? "", ["Always"]);
  if (activeDeadlineSeconds !== undefined) {
    out.forbidden("spec.template.spec.activeDeadlineSeconds", `activeDeadlineSeconds in ${kind} is not Supported`);
  }
}

export function validateSelected(template: PodTemplate, selector: LabelSelector | undefined, out: Causes): void {
  const labels = template.metadata?.labels;
  if (!selector || isEmptySelector(selector) || selects(selector, labels)) return;
  out.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
}

type Counts = Partial<Record<string, unknown>>;

/** Counts of a status: not negative, and those of `parts` not above `whole`. */
export function validateCounts(status: Counts, fields: readonly string[], out: Causes): void {
  for (const field of fields) out.nonNegative(`status.${field}`, status[field] as number | undefined);
}

export function validateParts(
  status: Counts,
  parts: readonly string[],
  whole: string,
  words: string,
  out: Causes,
): void {
  const most = (status[whole] as number | undefined) ?? 0;
  for (const field of parts) {
    const count = (status[field] as number | undefined) ?? 0;
    if (count > most) out.invalid(`status.${field}`, count, words);
  }
}

/** A counter of collisions only ever grows. */
export function validateCollisions(status: Counts, old: Counts, out: Causes): void {
  const count = (status["collisionCount"] as number | undefined) ?? 0;
  if (count < ((old["collisionCount"] as number | undefined) ?? 0)) {
    out.invalid("status.collisionCount", count, "cannot be decremented");
  }
}
