/** Median and 99th percentile of latencies, as the rank says: no value that was not measured. */
export function summarizeLatencies(values: readonly number[]): { readonly p50: number; readonly p99: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (part: number): number => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]!;
  return { p50: rank(0.5), p99: rank(0.99) };
}
