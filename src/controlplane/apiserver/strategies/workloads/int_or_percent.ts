/** A number of pods, or a share of them: `2` or `"25%"` (apps/validation). */
import type { Causes } from "../../validation/causes.ts";
import { percent } from "../../validation/names.ts";

type IntOrPercent = number | string | undefined;

export function validateIntOrPercent(value: IntOrPercent, path: string, out: Causes): void {
  if (typeof value === "string") out.invalidEach(path, value, percent(value));
  else out.nonNegative(path, value);
}

/** What of a whole a value is, in percent; 0 for plain numbers other than their own 0. */
export function percentOf(value: IntOrPercent): number | undefined {
  const match = typeof value === "string" ? /^(\d+)%$/.exec(value) : undefined;
  return match ? Number(match[1]) : undefined;
}

export function validateAtMostAll(value: IntOrPercent, path: string, out: Causes): void {
  if ((percentOf(value) ?? 0) > 100) out.invalid(path, value, "must not be greater than 100%");
}

export function isNone(value: IntOrPercent): boolean {
  return value === undefined || value === 0 || percentOf(value) === 0;
}
