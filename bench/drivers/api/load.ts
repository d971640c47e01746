/** A load process: takes jobs over IPC and does them with raw connections. Its own processor time is reported. */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job, JobAnswer, JobMessage, JobResult } from "./jobs.ts";
import { collections, objectText } from "./objects.ts";
import { mixed, type Latencies } from "./mixed.ts";
import { RawClient } from "./raw_client.ts";
import type { Target } from "./system.ts";
import { WatchSet } from "./watch_set.ts";

type JobOf<J extends Job["job"]> = Extract<Job, { job: J }>;
type Partial = Pick<JobResult, "bytes"> & { readonly latencies: number[] | Latencies };
type Executors = { readonly [J in Job["job"]]: (target: Target, job: JobOf<J>) => Promise<Partial> };

const watches = new WatchSet();

const executors: Executors = {
  create: (target, job) => {
    const started = performance.now();
    return spread(target, job.clients, job.count, async (client, i) => {
      if (job.rate > 0) await sleep(Math.max(0, started + (i * 1000) / job.rate - performance.now()));
      const name = `${job.prefix}-${i}`;
      let text = objectText(job.kind, name, job.bytes);
      if (job.stamped) text = text.replace('"data":{', `"data":{"sent":"${process.hrtime.bigint() / 1000n}",`);
      const { code, size, body } = await client.request("POST", collections[job.kind], text, 400);
      if (code !== 201) throw new Error(`create of ${name}: ${code} ${body}`);
      return size;
    });
  },
  list: (target, { path, count, clients }) =>
    spread(target, clients, count, async (client) => {
      const { code, size, body } = await client.request("GET", path, "", 200);
      if (code !== 200) throw new Error(`list of ${path}: ${code} ${body}`);
      return size;
    }),
  watch: async (target, { path, watchers }) => {
    await watches.open(target, path, watchers);
    return { bytes: 0, latencies: [] };
  },
  mixed,
  watched: (_target, { events }) => watches.seen(events),
};

/** Does `count` things over `clients` connections; each takes the next one when its last is done. */
async function spread(
  target: Target,
  clients: number,
  count: number,
  one: (client: RawClient, i: number) => Promise<number>,
): Promise<Partial> {
  const connections = await Promise.all(Array.from({ length: clients }, () => RawClient.connect(target)));
  const latencies: number[] = [];
  let next = 0;
  let bytes = 0;
  begun = performance.now();
  const work = async (client: RawClient): Promise<void> => {
    while (next < count) {
      const i = next++;
      const start = performance.now();
      const size = await one(client, i);
      bytes += size;
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(connections.map(work));
  ended = performance.now();
  for (const connection of connections) connection.close();
  return { bytes, latencies };
}

/** When the measured part of the job began and ended: connections are made before. */
let begun = 0;
let ended = 0;

async function execute({ target, job }: JobMessage): Promise<JobResult> {
  const cpu = process.cpuUsage();
  begun = performance.now();
  ended = 0;
  const { bytes, latencies } = await executors[job.job](target, job as never);
  const { user, system } = process.cpuUsage(cpu);
  const ms = (ended || performance.now()) - begun;
  const all = Array.isArray(latencies) ? latencies : Object.values(latencies).flat();
  const verbs = Array.isArray(latencies) ? {} : { verbs: mapped(latencies) };
  return { ms, cpuMs: (user + system) / 1000, ...quantiles(all), bytes, ...verbs };
}

function mapped(latencies: Latencies): NonNullable<JobResult["verbs"]> {
  const entries = Object.entries(latencies).map(([verb, all]) => [verb, { count: all.length, ...quantiles(all) }]);
  return Object.fromEntries(entries) as NonNullable<JobResult["verbs"]>;
}

function quantiles(latencies: number[]): { p50: number; p99: number } {
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

process.on("message", (message: JobMessage) => {
  const answer = (value: JobAnswer): void => void process.send!(value);
  execute(message).then(
    (result) => answer({ result }),
    (error: unknown) => answer({ error: (error as Error).message }),
  );
});
process.on("disconnect", () => process.exit());
