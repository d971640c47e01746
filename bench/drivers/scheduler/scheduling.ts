/** Runs a scheduler on an API until every pod has a node, and says how fast that was. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Client } from "../../../src/api/client.ts";
import { Informers } from "../../../src/api/informers.ts";
import { resourceTypes } from "../../../src/api/resource_types.ts";
import { startScheduler } from "../../../src/controlplane/scheduler/scheduler.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";
import type { Cleanup, Measurement } from "../../driver.ts";
import { pace, timed } from "../../clock.ts";

/** Bound of one measurement, in ms. */
const longestMs = 120_000;

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface PreparedScheduler {
  /** From the scheduler's start until all pods have a node. */
  run(pods: number): Promise<Measurement>;
}

/** The informers are full and the scheduler has not begun when this returns. */
export async function prepareScheduler(client: Client, cleanup: Cleanup): Promise<PreparedScheduler> {
  const failures: unknown[] = [];
  const informers = new Informers(client, { onError: (_, error) => failures.push(error) });
  const context = { client, informers, events: { event: () => undefined }, clock: systemClock, log: silent };
  const scheduler = startScheduler(context);
  cleanup.add(() => informers.stop());
  cleanup.add(() => scheduler.stop());
  informers.start();
  const late = await informers.synced(longestMs);
  if (late.length > 0 || failures.length > 0) throw new Error(`no lists: ${late.length} late, ${String(failures[0])}`);
  const pods = informers.of(resourceTypes.pods);
  return {
    async run(count) {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      let placed = 0;
      const all = new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`${placed} of ${count} pods after ${longestMs} ms`)),
          longestMs,
        );
        pods.subscribe({
          onUpdate(before, after) {
            if (before.spec.nodeName || !after.spec.nodeName || ++placed < count) return;
            clearTimeout(timer);
            resolve();
          },
        });
      });
      delay.enable();
      const ms = await timed(() => {
        scheduler.start();
        return all;
      });
      delay.disable();
      return {
        figures: { ...pace(ms, count), "loop max": { value: delay.max / 1e6, unit: "ms" } },
        outcome: `${placed} pods have a node`,
      };
    },
  };
}
