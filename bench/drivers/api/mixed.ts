/**
 * What a cluster's machines do to its API all day, as load: pods created, bound and reported on, leases renewed, at
 * a given rate by many connections, and full lists beside.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { collections, leases, nodeName, objectText, podStatus } from "./objects.ts";
import { RawClient } from "./raw_client.ts";
import type { Target } from "./system.ts";

export interface MixedJob {
  readonly clients: number;
  /** Writes a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly nodes: number;
  /** Pods `filled-N` that are there already. */
  readonly pods: number;
  /** Every so many seconds somebody lists all pods; 0: nobody. */
  readonly listEverySeconds: number;
}

export type Verb = "create" | "bind" | "status" | "lease" | "list";
export type Latencies = Readonly<Record<Verb, number[]>>;

/** Of ten writes: a pod comes and is bound, three pods' status and five leases: a kubelet renews every 10 s. */
const cycle: readonly Verb[] = [
  "create",
  "lease",
  "status",
  "lease",
  "bind",
  "lease",
  "status",
  "lease",
  "status",
  "lease",
];

export async function mixed(target: Target, job: MixedJob): Promise<{ latencies: Latencies; bytes: number }> {
  const load = new Load(job);
  const connections = await Promise.all(Array.from({ length: job.clients }, () => RawClient.connect(target)));
  const lister = await RawClient.connect(target);
  const started = performance.now();
  const total = job.rate * job.seconds;
  let next = 0;
  const work = async (client: RawClient): Promise<void> => {
    while (next < total) {
      const i = next++;
      await sleep(Math.max(0, started + (i * 1000) / job.rate - performance.now()));
      await load.write(client, i);
    }
  };
  await Promise.all([...connections.map(work), load.list(lister, started + job.seconds * 1000)]);
  for (const connection of [...connections, lister]) connection.close();
  return { latencies: load.latencies, bytes: load.bytes };
}

class Load {
  readonly latencies: Record<Verb, number[]> = { create: [], bind: [], status: [], lease: [], list: [] };
  bytes = 0;
  readonly #job: MixedJob;
  readonly #unbound: string[] = [];

  constructor(job: MixedJob) {
    this.#job = job;
  }

  async write(client: RawClient, i: number): Promise<void> {
    const verb = cycle[i % cycle.length]!;
    const pod = `${collections.pod}/filled-${(i * 7919) % this.#job.pods}`;
    if (verb === "lease") {
      const renewed = JSON.stringify({ spec: { renewTime: new Date().toISOString().replace("Z", "000Z") } });
      return this.#timed(verb, client, "PATCH", `${leases}/${nodeName(i % this.#job.nodes)}`, renewed, merge);
    }
    if (verb === "status") return this.#timed(verb, client, "PATCH", `${pod}/status`, podStatus(i), strategic);
    const waiting = verb === "bind" ? this.#unbound.shift() : undefined;
    if (waiting === undefined) return this.#create(client, `mixed-${i}`);
    const binding = { metadata: { name: waiting }, target: { kind: "Node", name: nodeName(i % this.#job.nodes) } };
    return this.#timed(verb, client, "POST", `${collections.pod}/${waiting}/binding`, JSON.stringify(binding));
  }

  async #create(client: RawClient, name: string): Promise<void> {
    await this.#timed("create", client, "POST", collections.pod, objectText("unbound-pod", name, 0));
    this.#unbound.push(name);
  }

  async list(client: RawClient, untilMs: number): Promise<void> {
    const everyMs = this.#job.listEverySeconds * 1000;
    if (everyMs === 0) return;
    for (let at = performance.now(); at < untilMs; at += everyMs) {
      await sleep(Math.max(0, at - performance.now()));
      await this.#timed("list", client, "GET", "/api/v1/pods", "");
    }
  }

  async #timed(
    verb: Verb,
    client: RawClient,
    method: string,
    path: string,
    body: string,
    type?: string,
  ): Promise<void> {
    const start = performance.now();
    const { code, size, body: said } = await client.request(method, path, body, 400, type);
    if (code >= 300) throw new Error(`${method} ${path}: ${code} ${said}`);
    this.latencies[verb].push(performance.now() - start);
    this.bytes += size;
  }
}

const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";
