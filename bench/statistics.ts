/**
 * The statistics of a comparison, pure. Why these and not others, with what was measured, is in
 * docs/decisions/020-bench-statistics.md.
 */

export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Quartiles: half of the values lie between them. */
  readonly q1: number;
  readonly q3: number;
}

/** @throws RangeError on an empty list */
export function summarize(values: readonly number[]): Summary {
  const sorted = ascending(values);
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    min: quantile(sorted, 0),
    max: quantile(sorted, 1),
    q1: quantile(sorted, 0.25),
    q3: quantile(sorted, 0.75),
  };
}

export function median(values: readonly number[]): number {
  return quantile(ascending(values), 0.5);
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** Of sorted values, interpolated between neighbours. */
function quantile(sorted: readonly number[], part: number): number {
  if (sorted.length === 0) throw new RangeError("no values to summarize");
  const place = part * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}

export interface Interval {
  readonly low: number;
  readonly high: number;
  /** How often an interval made this way holds the true median, 0 to 1. */
  readonly coverage: number;
}

/**
 * The distribution-free interval of the median: the k-th value from below to the k-th from above,
 * where k is the largest that still covers `confidence`. The true median lies below any one value
 * with chance 1/2, so that the number of values below it is binomial, whatever the noise looks like.
 *
 * @returns undefined where even the smallest and the largest value do not cover `confidence`
 */
export function medianInterval(values: readonly number[], confidence: number): Interval | undefined {
  const sorted = ascending(values);
  const n = sorted.length;
  let chance = 0.5 ** n;
  let outside = 2 * chance;
  if (n === 0 || outside > 1 - confidence) return undefined;
  let k = 0;
  for (; k + 1 < n / 2; k++) {
    chance *= (n - k) / (k + 1);
    if (outside + 2 * chance > 1 - confidence) break;
    outside += 2 * chance;
  }
  return { low: sorted[k]!, high: sorted[n - 1 - k]!, coverage: 1 - outside };
}

/** The fewest rounds of which {@link medianInterval} makes an interval. */
export function fewestRounds(confidence: number): number {
  return Math.ceil(1 - Math.log2(1 - confidence));
}

/** What the ratios of the rounds say. */
export type Verdict = "better" | "worse" | "no difference" | "too few rounds";

/** How sure a ratio is. */
export type Precision =
  /** Rounds of a noisy machine: the interval comes from their spread. */
  | { readonly kind: "rounds"; readonly confidence: number }
  /** Counts that repeat to within this part of themselves (instructions): the interval comes from that bound. */
  | { readonly kind: "repeatable"; readonly within: number };

export interface Ratio extends Interval {
  /** Median of the ratios of the rounds. */
  readonly ratio: number;
  readonly verdict: Verdict;
}

/**
 * The part by which an interval may lie beside 1 and still be no difference: where code and data
 * happen to lie in memory makes as much.
 */
export const equivalenceBand = 0.01;

/**
 * Judges ratios, one a round, where above 1 is better.
 *
 * No difference: the interval holds 1, or lies wholly within {@link equivalenceBand} of it.
 */
export function judge(ratios: readonly number[], precision: Precision): Ratio {
  const ratio = median(ratios);
  const interval =
    precision.kind === "repeatable"
      ? repeatableInterval(ratios, ratio, precision.within)
      : medianInterval(ratios, precision.confidence);
  if (interval) return { ratio, ...interval, verdict: verdictOf(interval) };
  const { min, max, count } = summarize(ratios);
  return { ratio, low: min, high: max, coverage: 1 - 2 * 0.5 ** count, verdict: "too few rounds" };
}

function verdictOf({ low, high }: Interval): Verdict {
  if (low <= 1 && high >= 1) return "no difference";
  if (low >= 1 - equivalenceBand && high <= 1 + equivalenceBand) return "no difference";
  return low > 1 ? "better" : "worse";
}

/** Both counts of a ratio may be off by `within`; a round that strays farther widens the interval. */
function repeatableInterval(ratios: readonly number[], ratio: number, within: number): Interval {
  const { min, max } = summarize(ratios);
  return { low: Math.min(min, ratio * (1 - 2 * within)), high: Math.max(max, ratio * (1 + 2 * within)), coverage: 1 };
}
