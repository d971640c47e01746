/**
 * Equality of parts of objects as upstream's comparison of Go structs has it: what is empty is the
 * same as what lacks (apimachinery/pkg/api/equality).
 */
import { parseQuantity } from "./quantity.ts";

/** Fields that are no pointers upstream: false and 0 there are the same as nothing. */
const zeroIsAbsent: ReadonlySet<string> = new Set([
  "hostNetwork",
  "hostPID",
  "hostIPC",
  "hostPort",
  "stdin",
  "stdinOnce",
  "tty",
  "readOnly",
  "initialDelaySeconds",
  "minReadySeconds",
  "partition",
  "paused",
  "unschedulable",
  "nodePort",
  "healthCheckNodePort",
  "publishNotReadyAddresses",
]);

/** Maps of quantities: "1" and "1000m" are the same. */
const quantityMaps: ReadonlySet<string> = new Set(["limits", "requests", "overhead", "capacity", "hard"]);

export function semanticEqual(a: unknown, b: unknown): boolean {
  return same(a, b, "");
}

function same(a: unknown, b: unknown, field: string): boolean {
  if (a === b) return true;
  if (isEmpty(a, field) && isEmpty(b, field)) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => same(item, b[i], ""));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const equal = quantityMaps.has(field) && isQuantities(a) && isQuantities(b) ? sameQuantity : same;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => equal(a[key], b[key], key));
}

function isEmpty(value: unknown, field: string): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  if (isRecord(value)) return Object.values(value).every((inner) => inner === undefined);
  return (value === false || value === 0) && zeroIsAbsent.has(field);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isQuantities(value: Record<string, unknown>): boolean {
  return Object.values(value).every((item) => typeof item === "string" || typeof item === "number");
}

function sameQuantity(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return parseQuantity(a as string).nanos === parseQuantity(b as string).nanos;
}

/** As many as a message tells of. */
const maxDifferences = 20;

/** Where two parts of an object differ: lines that name the field, what it was and what it is. */
export function differences(a: unknown, b: unknown, path: string): string[] {
  const lines: string[] = [];
  collect(a, b, path, "", lines);
  return lines;
}

function collect(a: unknown, b: unknown, path: string, field: string, lines: string[]): void {
  if (lines.length >= maxDifferences || same(a, b, field)) return;
  if (isRecord(a) && isRecord(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      collect(a[key], b[key], `${path}.${key}`, key, lines);
    }
  } else if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
    a.forEach((item, i) => collect(item, b[i], `${path}[${i}]`, "", lines));
  } else lines.push(`  ${path}: ${JSON.stringify(a) ?? "nothing"} → ${JSON.stringify(b) ?? "nothing"}`);
}
