/** Many calls of the same kind, carefully: 1, 2, 4, … at a time while all goes well (pkg/controller/replicaset slowStartBatch). */

/**
 * @returns what came of the calls that went well, and the first error; after one nothing more is begun
 */
export async function slowStart<T>(
  count: number,
  call: (index: number) => Promise<T>,
): Promise<{ readonly done: readonly T[]; readonly error?: Error }> {
  const done: T[] = [];
  for (let begun = 0, size = 1; begun < count; begun += size, size = Math.min(2 * size, count - begun)) {
    const first = begun;
    const results = await Promise.allSettled(Array.from({ length: size }, (_, i) => call(first + i)));
    const failed = results.find((result) => result.status === "rejected");
    for (const result of results) if (result.status === "fulfilled") done.push(result.value);
    if (failed) return { done, error: asError(failed.reason) };
  }
  return { done };
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
