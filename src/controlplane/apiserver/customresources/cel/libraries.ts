/**
 * Functions that Kubernetes gives to rules besides CEL's own (apiserver/pkg/cel/library): lists,
 * regular expressions, quantities, and CEL's extended strings. Those of URLs, IP addresses and
 * CIDRs are not there: a rule that calls one is refused with its definition.
 */
import type { Environment } from "@marcbachmann/cel-js";
import type { RE2JS } from "re2js";
import { patternOf } from "../schema/patterns.ts";
import { parseQuantity } from "../../../../model/quantity.ts";

type Scalar = string | number | bigint | boolean;

class Quantity {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export function registerLibraries(environment: Environment): void {
  registerLists(environment);
  registerRegex(environment);
  registerStrings(environment);
  registerQuantities(environment);
}

function registerLists(environment: Environment): void {
  environment
    .registerFunction("list.isSorted(): bool", (list: Scalar[]) =>
      list.every((item, i) => i === 0 || list[i - 1]! <= item),
    )
    .registerFunction("list.sum(): dyn", (list: (number | bigint)[]) =>
      list.length === 0 ? 0n : list.reduce((sum, item) => ((sum as number) + (item as number)) as number | bigint),
    )
    .registerFunction("list.min(): dyn", (list: Scalar[]) => extreme(list, (a, b) => a < b, "min"))
    .registerFunction("list.max(): dyn", (list: Scalar[]) => extreme(list, (a, b) => a > b, "max"))
    .registerFunction("list.indexOf(dyn): int", (list: unknown[], item: unknown) => BigInt(list.indexOf(item)))
    .registerFunction("list.lastIndexOf(dyn): int", (list: unknown[], item: unknown) => BigInt(list.lastIndexOf(item)));
}

function extreme(list: readonly Scalar[], isBetter: (a: Scalar, b: Scalar) => boolean, name: string): Scalar {
  if (list.length === 0) throw new Error(`${name} called on empty list`);
  return list.reduce((best, item) => (isBetter(item, best) ? item : best));
}

function registerRegex(environment: Environment): void {
  environment
    .registerFunction(
      "string.find(string): string",
      (text: string, regex: string) => found(text, patternOf(regex), 1)[0] ?? "",
    )
    .registerFunction("string.findAll(string): list<string>", (text: string, regex: string) =>
      found(text, patternOf(regex), Infinity),
    )
    .registerFunction("string.findAll(string, int): list<string>", (text: string, regex: string, limit: bigint) =>
      found(text, patternOf(regex), limit < 0n ? Infinity : Number(limit)),
    );
}

function found(text: string, pattern: RE2JS, limit: number): string[] {
  const matcher = pattern.matcher(text);
  const all: string[] = [];
  while (all.length < limit && matcher.find()) all.push(matcher.group() ?? "");
  return all;
}

function registerStrings(environment: Environment): void {
  environment
    .registerFunction("string.replace(string, string): string", (text: string, from: string, to: string) =>
      text.split(from).join(to),
    )
    .registerFunction("string.charAt(int): string", (text: string, at: bigint) => [...text][Number(at)] ?? "");
}

function registerQuantities(environment: Environment): void {
  const quantity = (text: string): Quantity => new Quantity(parseQuantity(text).nanos);
  environment
    .registerType("kubernetes.Quantity", { ctor: Quantity, fields: {} })
    .registerFunction("quantity(string): kubernetes.Quantity", quantity)
    .registerFunction("isQuantity(string): bool", (text: string) => {
      try {
        return quantity(text) !== undefined;
      } catch {
        return false;
      }
    })
    .registerFunction(
      "kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool",
      (a: Quantity, b: Quantity) => a.nanos > b.nanos,
    )
    .registerFunction(
      "kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool",
      (a: Quantity, b: Quantity) => a.nanos < b.nanos,
    )
    .registerFunction("kubernetes.Quantity.compareTo(kubernetes.Quantity): int", (a: Quantity, b: Quantity) =>
      a.nanos < b.nanos ? -1n : a.nanos > b.nanos ? 1n : 0n,
    )
    .registerFunction("kubernetes.Quantity.sign(): int", (a: Quantity) =>
      a.nanos < 0n ? -1n : a.nanos > 0n ? 1n : 0n,
    );
}
