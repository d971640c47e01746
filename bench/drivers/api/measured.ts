/** What every scenario of the API server reports beside its own figure: processors, event loop, memory. */
import type { Figure, Measurement } from "../../driver.ts";
import type { JobResult } from "./jobs.ts";
import { cpuMs, residentMegabytes } from "./processes.ts";
import type { RunningApi } from "./system.ts";

export type Figures = Measurement["figures"];

export const figure = (value: number, unit: string): Figure => ({ value, unit });

/** Takes the readings around some work. */
export async function around(
  api: RunningApi,
  work: () => Promise<JobResult[]>,
): Promise<{ results: JobResult[]; figures: Figures }> {
  await api.loopDelay?.();
  const before = cpuOf(api);
  const started = performance.now();
  const results = await work();
  const ms = performance.now() - started;
  const share = (cpu: number): Figure => figure((cpu / ms) * 100, "% of a core");
  const delay = await api.loopDelay?.();
  return {
    results,
    figures: {
      "server cpu": share(cpuOf(api) - before),
      "load cpu": share(results.reduce((sum, { cpuMs: one }) => sum + one, 0)),
      "server memory": figure(residentMegabytes(api.pids.server), "MB"),
      ...(delay ? { "loop p99": figure(delay.p99, "ms"), "loop max": figure(delay.max, "ms") } : {}),
    },
  };
}

function cpuOf({ pids }: RunningApi): number {
  return cpuMs(pids.server) + (pids.store === undefined ? 0 : cpuMs(pids.store));
}
