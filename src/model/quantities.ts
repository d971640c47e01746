/** Quantities as plain numbers: each text is parsed once, for a cluster uses few of them. */
import { millis, nanos } from "./quantity.ts";

/** Bound of the texts that are remembered. */
const remembered = 10_000;
const nanosOfOne = 1_000_000_000n;

const milli = new Map<string, number>();
const whole = new Map<string, number>();

/** Thousandths, rounded up; what cannot be parsed is 0, for validation lets none through. */
export function milliValue(text: string | number): number {
  return once(milli, String(text), (quantity) => Number(millis(quantity)));
}

/** Whole units (bytes, pieces), rounded up. */
export function wholeValue(text: string | number): number {
  return once(whole, String(text), (quantity) => Number((nanos(quantity) + nanosOfOne - 1n) / nanosOfOne));
}

function once(known: Map<string, number>, text: string, parse: (text: string) => number): number {
  let value = known.get(text);
  if (value !== undefined) return value;
  try {
    value = parse(text);
  } catch {
    value = 0;
  }
  if (known.size >= remembered) known.clear();
  known.set(text, value);
  return value;
}
