/** Many calls of the same kind, carefully: 1, 2, 4, … at a time while all goes well (pkg/controller/replicaset slowStartBatch). */

/**
 * Calls at one time at most. In the server's own process each is work on the same event loop, which others
 * wait for; the store commits those of one turn together, and more than these gain nothing.
 */
const widest = 16;

/**
 * @returns what came of the calls that went well, and the first error; after one nothing more is begun
 */
export async function slowStart<T>(
  count: number,
  call: (index: number) => Promise<T>,
): Promise<{ readonly done: readonly T[]; readonly error?: Error }> {
  const done: T[] = [];
  for (let begun = 0, size = 1; begun < count; begun += size, size = Math.min(2 * size, widest, count - begun)) {
    const first = begun;
    const results = await Promise.allSettled(Array.from({ length: size }, (_, i) => call(first + i)));
    const failed = results.find((result) => result.status === "rejected");
    for (const result of results) if (result.status === "fulfilled") done.push(result.value);
    if (failed) return { done, error: asError(failed.reason) };
  }
  return { done };
}

/** As many at one time as may be. @returns the first failure; all are tried */
export async function forAll<T>(items: readonly T[], call: (item: T) => Promise<unknown>): Promise<Error | undefined> {
  let first: Error | undefined;
  for (let begun = 0; begun < items.length; begun += widest) {
    const results = await Promise.allSettled(items.slice(begun, begun + widest).map(call));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) first ??= asError(failed.reason);
  }
  return first;
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
