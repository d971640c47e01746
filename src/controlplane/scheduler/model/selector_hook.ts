import type { LabelSelector } from "../../../model/label_selector.ts";

/** A "key=value" that every object which the selector means has; undefined: it demands none. */
export function selectorHook(selector: LabelSelector | undefined): string | undefined {
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) return `${key}=${value}`;
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    if (operator === "In" && values.length === 1) return `${key}=${values[0]!}`;
  }
  return undefined;
}
