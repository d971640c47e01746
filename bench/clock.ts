/** The one clock of the drivers. */
import type { Figure } from "./driver.ts";

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * The same for work that this process does, and the processor's time of all its threads meanwhile:
 * on a machine that others use as well, that tells waiting from working.
 */
export async function timedHere(
  work: () => Promise<unknown>,
): Promise<{ readonly time: number; readonly cpu: Figure }> {
  const before = process.cpuUsage();
  const time = await timed(work);
  const { user, system } = process.cpuUsage(before);
  return { time, cpu: { value: (user + system) / 1000, unit: "ms" } };
}

/** How long `count` things took, and how many a second that is. */
export function pace(milliseconds: number, count: number): { readonly time: Figure; readonly rate: Figure } {
  return {
    time: { value: milliseconds, unit: "ms" },
    rate: { value: (count / milliseconds) * 1000, unit: "1/s" },
  };
}
