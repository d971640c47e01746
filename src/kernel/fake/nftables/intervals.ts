/**
 * Sets of intervals: where a new element clashes with what is there.
 *
 * Intervals of one part are starts and ends in one order (net/netfilter/nft_set_rbtree.c): a start must
 * stand outside every interval, an end directly behind a start that has none. Intervals of several
 * parts have both keys in one element (net/netfilter/nft_set_pipapo.c): neither key may match another.
 */
import type { FakeElement, FakeSet, HalfElement } from "./ruleset.ts";

/** Where the half is, or would stand. */
export function halfPosition(halves: readonly HalfElement[], half: HalfElement): { at: number; exists: boolean } {
  let from = 0;
  let to = halves.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (compareHalves(halves[middle]!, half) < 0) from = middle + 1;
    else to = middle;
  }
  const there = halves[from];
  return { at: from, exists: there !== undefined && compareHalves(there, half) === 0 };
}

/** An interval may end where the next one starts: the end comes first. */
function compareHalves(a: HalfElement, b: HalfElement): number {
  return Buffer.compare(a.key, b.key) || Number(b.isEnd) - Number(a.isEnd);
}

/** Whether a half that is not there yet would stand within an interval, or end none. */
export function halfOverlaps({ halves }: FakeSet, half: HalfElement, at: number): boolean {
  const before = halves[at - 1];
  const after = halves[at];
  const isWithin = before?.isEnd === false && after?.isEnd === true;
  if (!half.isEnd) return isWithin;
  // The end below every interval is the one that nft puts at 0.
  return isWithin || before?.isEnd === true;
}

/** The element whose ranges the key is in, part by part. */
export function rangeThatHolds(set: FakeSet, key: Uint8Array): FakeElement | undefined {
  const lengths = set.body.desc?.concat?.map(({ len = 0 }) => len) ?? [];
  for (const element of set.elements.values()) {
    const { key: from, keyEnd: to = from } = element.body;
    if (from && to && isWithinParts(key, from, to, lengths)) return element;
  }
  return undefined;
}

function isWithinParts(key: Uint8Array, from: Uint8Array, to: Uint8Array, lengths: readonly number[]): boolean {
  return eachPart(lengths, (start, end) => {
    const part = key.subarray(start, end);
    return Buffer.compare(part, from.subarray(start, end)) >= 0 && Buffer.compare(part, to.subarray(start, end)) <= 0;
  });
}

/** Whether no part of a range ends before it starts. */
export function isForward(from: Uint8Array, to: Uint8Array, lengths: readonly number[]): boolean {
  return eachPart(lengths, (start, end) => Buffer.compare(from.subarray(start, end), to.subarray(start, end)) <= 0);
}

function eachPart(lengths: readonly number[], holds: (start: number, end: number) => boolean): boolean {
  let start = 0;
  return lengths.every((length) => {
    const ok = holds(start, start + length);
    start += (length + 3) & ~3;
    return ok;
  });
}
