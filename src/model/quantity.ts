/**
 * Quantities (apimachinery/pkg/api/resource): a decimal number with an SI or binary suffix or an
 * exponent. Kept as whole nanos, which is as fine as upstream keeps them.
 */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

export interface Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

const one = 1_000_000_000n;
/** The largest that there is: 2^63 - 1. Larger ones are taken as this one. */
const max = ((1n << 63n) - 1n) * one;
/** Digits and exponents beyond these no longer change the (capped, rounded) value, but would cost time. */
const significantDigits = 40;
const significantExponent = 60;

const decimalSuffixes: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binarySuffixes: readonly string[] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

const wrongFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const wrongSuffix = "unable to parse quantity's suffix";

/** @throws RangeError with upstream's words */
export function parseQuantity(text: string | number): Quantity {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?([A-Za-z]*)([+-]?\d*)$/.exec(String(text).trim());
  if (!match) throw new RangeError(wrongFormat);
  const [, sign, whole = "", fraction = "", letters = "", digits = ""] = match;
  if (whole === "" && fraction === "") throw new RangeError(wrongFormat);
  const { exponent, binary, format } = suffix(letters, digits);
  const magnitude = capped(nanosOf(whole.replace(/^0+/, ""), fraction.replace(/0+$/, ""), exponent, binary));
  return { nanos: sign === "-" ? -magnitude : magnitude, format };
}

function suffix(letters: string, digits: string): { exponent: number; binary: number; format: QuantityFormat } {
  if ((letters === "e" || letters === "E") && /^[+-]?\d+$/.test(digits)) {
    return { exponent: Number(digits), binary: 0, format: "DecimalExponent" };
  }
  if (digits !== "") throw new RangeError(wrongSuffix);
  const binary = binarySuffixes.indexOf(letters);
  if (binary > 0) return { exponent: 0, binary, format: "BinarySI" };
  const exponent = Object.hasOwn(decimalSuffixes, letters) ? decimalSuffixes[letters] : undefined;
  if (exponent === undefined) throw new RangeError(wrongSuffix);
  return { exponent, binary: 0, format: "DecimalSI" };
}

/** whole.fraction × 10^exponent × 1024^binary in nanos, rounded up. */
function nanosOf(whole: string, fraction: string, exponent: number, binary: number): bigint {
  if (whole === "" && fraction === "") return 0n;
  if (whole.length > significantDigits || (exponent > significantExponent && whole + fraction !== "")) return max;
  if (exponent < -significantExponent) return 1n;
  const kept = fraction.slice(0, significantExponent * 2);
  const scale = 9 + exponent - kept.length;
  const units = BigInt(whole + kept) << BigInt(10 * binary);
  if (scale >= 0) return units * 10n ** BigInt(scale);
  const divisor = 10n ** BigInt(-scale);
  return units / divisor + (units % divisor === 0n ? 0n : 1n);
}

function capped(nanos: bigint): bigint {
  return nanos > max ? max : nanos;
}

/** The one text of a value: "1000m" is "1", "1024Ki" is "1Mi", "0.5Gi" is "512Mi". */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return "0";
  const magnitude = nanos < 0n ? -nanos : nanos;
  const sign = nanos < 0n ? "-" : "";
  if (format === "BinarySI" && magnitude >= 1024n * one) return sign + binaryText(magnitude);
  return sign + decimalText(magnitude, format === "DecimalExponent");
}

function binaryText(nanos: bigint): string {
  let value = roundedUp(nanos, one) / one;
  let power = 0;
  while (value % 1024n === 0n && power < binarySuffixes.length - 1) {
    value /= 1024n;
    power++;
  }
  return `${value}${binarySuffixes[power]!}`;
}

function decimalText(nanos: bigint, asExponent: boolean): string {
  let value = nanos;
  let exponent = -9;
  while (value % 1000n === 0n && exponent < 18) {
    value /= 1000n;
    exponent += 3;
  }
  if (asExponent) return exponent === 0 ? String(value) : `${value}e${exponent}`;
  const [letter] = Object.entries(decimalSuffixes).find(([, power]) => power === exponent)!;
  return `${value}${letter}`;
}

function roundedUp(nanos: bigint, unit: bigint): bigint {
  const rest = nanos % unit;
  return rest === 0n ? nanos : nanos - rest + (nanos < 0n ? -unit : unit);
}

/** @throws RangeError with upstream's words */
export function canonicalQuantity(text: string | number): string {
  return formatQuantity(parseQuantity(text));
}

/** Resources are kept in thousandths at the finest. */
export function canonicalMilli(text: string | number): string {
  const quantity = parseQuantity(text);
  return formatQuantity({ ...quantity, nanos: roundedUp(quantity.nanos, one / 1000n) });
}

/** A quantity's value in nanos, for comparison and sums; 0 where it is absent. */
export function nanos(text: string | number | undefined): bigint {
  return text === undefined ? 0n : parseQuantity(text).nanos;
}

/** Thousandths, rounded up. */
export function millis(text: string | number): bigint {
  return roundedUp(parseQuantity(text).nanos, one / 1000n) / (one / 1000n);
}
