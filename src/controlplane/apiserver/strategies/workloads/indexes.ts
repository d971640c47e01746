/** Indexes of an Indexed Job as its status and its success policy write them: "0-2,5" (batch/validation). */

interface Interval {
  readonly first: number;
  readonly last: number;
}

/** @returns how many indexes there are, or what is wrong, in upstream's words */
export function countIndexes(text: string, completions: number): number | string {
  let total = 0;
  let before: number | undefined;
  for (const part of text === "" ? [] : text.split(",")) {
    const interval = parseInterval(part, completions);
    if (typeof interval === "string") return interval;
    if (before !== undefined && before >= interval.first) return notIncreasing(before, interval.first);
    total += interval.last - interval.first + 1;
    before = interval.last;
  }
  return total;
}

/** @returns the first index that is in both, which are in order; parts that are none are left to {@link countIndexes} */
export function sharedIndex(a: string, b: string, completions: number): number | undefined {
  const [left, right] = [intervalsOf(a, completions), intervalsOf(b, completions)];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    const [one, other] = [left[i]!, right[j]!];
    if (one.first <= other.last && other.first <= one.last) return Math.max(one.first, other.first);
    if (one.first <= other.first) i++;
    else j++;
  }
  return undefined;
}

function intervalsOf(text: string, completions: number): Interval[] {
  const parts = text === "" ? [] : text.split(",").map((part) => parseInterval(part, completions));
  return parts.filter((part) => typeof part !== "string");
}

function parseInterval(text: string, completions: number): Interval | string {
  const parts = text.split("-");
  if (parts.length > 2) {
    return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  }
  const numbers: number[] = [];
  for (const part of parts) {
    if (!/^[+-]?\d+$/.test(part)) return `cannot convert string to integer for index: ${JSON.stringify(part)}`;
    if (Number(part) >= completions) return `too large index: ${JSON.stringify(part)}`;
    numbers.push(Number(part));
  }
  const [first = 0, last = first] = numbers;
  if (numbers.length === 2 && first >= last) return notIncreasing(first, last);
  return { first, last };
}

function notIncreasing(before: number, after: number): string {
  return `non-increasing order, previous: ${before}, current: ${after}`;
}
