/** The one clock of the drivers. */
import type { Figure } from "./driver.ts";

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** How long `count` things took, and how many a second that is. */
export function pace(milliseconds: number, count: number): { readonly time: Figure; readonly rate: Figure } {
  return {
    time: { value: milliseconds, unit: "ms" },
    rate: { value: (count / milliseconds) * 1000, unit: "1/s" },
  };
}
