/** The load on a control plane: Deployments at a rate, and what a client sees meanwhile. */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../../../src/api/client.ts";
import { resourceTypes } from "../../../src/api/resource_types.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";

const { configMaps, deployments, namespaces, nodes, pods, serviceAccounts } = resourceTypes;
const namespaceCount = 10;
const namespaceOf = (i: number): string => `scale-${i % namespaceCount}`;

export async function makeNamespaces(client: Client): Promise<void> {
  for (let i = 0; i < namespaceCount; i++) {
    await client.create(namespaces, { metadata: { name: namespaceOf(i) }, spec: {} });
  }
  const hasAccounts = async (): Promise<boolean> => {
    const { items } = await client.list(serviceAccounts, { fieldSelector: "metadata.name=default" });
    return items.filter(({ metadata }) => metadata.namespace?.startsWith("scale-")).length === namespaceCount;
  };
  await until("the namespaces' accounts", hasAccounts, 60_000);
}

/** Waits for nodes that pods may go to. */
export async function nodesReady(client: Client, count: number): Promise<void> {
  const ready = async (): Promise<boolean> => {
    const { items } = await client.list(nodes);
    return items.filter(({ spec }) => (spec.taints ?? []).length === 0).length >= count;
  };
  await until(`${count} nodes without taints`, ready, 180_000);
}

export async function until(what: string, holds: () => Promise<boolean> | boolean, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(100);
  }
}

export interface Wanted {
  readonly pods: number;
  readonly podsPerDeployment: number;
  /** Pods a second. */
  readonly rate: number;
}

/** Creates the Deployments, each when its pods are due. */
export async function createDeployments(client: Client, wanted: Wanted): Promise<void> {
  const from = performance.now();
  const count = Math.ceil(wanted.pods / wanted.podsPerDeployment);
  for (let i = 0; i < count; i++) {
    const dueMs = ((i * wanted.podsPerDeployment) / wanted.rate) * 1000;
    await sleep(Math.max(0, from + dueMs - performance.now()));
    const name = `load-${String(i).padStart(4, "0")}`;
    const labels = { app: name };
    const replicas = Math.min(wanted.podsPerDeployment, wanted.pods - i * wanted.podsPerDeployment);
    const resources = { requests: { cpu: "50m", memory: "64Mi" } };
    const spec = {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "c", image: "registry.k8s.io/pause", resources }] },
      },
    };
    await client.create(deployments, { metadata: { namespace: namespaceOf(i), name }, spec });
  }
}

/** What a watcher of all pods sees: when each was there, and when it was running and ready. */
export class PodWatch {
  readonly #seen = new Map<string, number>();
  readonly toRunningMs: number[] = [];
  lastRunningAt = 0;
  failure: string | undefined;
  restarts = 0;
  readonly #client: Client;
  #stop: () => void = () => undefined;

  constructor(client: Client, resourceVersion: string) {
    this.#client = client;
    this.#follow(resourceVersion);
  }

  /** A server ends a watch in peace after some minutes: it goes on from there. */
  #follow(from: string): void {
    let resourceVersion = from;
    this.#stop = this.#client.watch(
      pods,
      { resourceVersion },
      {
        onEvent: (event) => {
          const isBookmark = event.type === "BOOKMARK";
          resourceVersion = isBookmark ? event.resourceVersion : event.object.metadata.resourceVersion;
          if (event.type === "ADDED" || event.type === "MODIFIED") this.#onPod(event.object);
        },
        onEnd: (error) => {
          if (error) void this.#again();
          else this.#follow(resourceVersion);
        },
      },
    );
  }

  /** A watcher that did not keep up was cut off: what it missed, it sees now, and so late its pods count as running. */
  async #again(): Promise<void> {
    this.restarts++;
    try {
      const list = await this.#client.list(pods);
      for (const pod of list.items) this.#onPod(pod);
      this.#follow(list.resourceVersion);
    } catch (error) {
      this.failure = String(error);
    }
  }

  get running(): number {
    return this.toRunningMs.length;
  }

  #onPod({ metadata: { uid }, status }: Pod): void {
    const now = performance.now();
    const since = this.#seen.get(uid);
    if (since === undefined) this.#seen.set(uid, now);
    if (since === undefined || Number.isNaN(since) || status?.phase !== "Running") return;
    this.toRunningMs.push(now - since);
    this.lastRunningAt = now;
    // Counted.
    this.#seen.set(uid, NaN);
  }

  stop(): void {
    this.#stop();
  }
}

/** Asks for a little of everything, at a rate, and takes the time of each. */
export class Prober {
  readonly times: Record<"get" | "list" | "create" | "update" | "patch" | "delete", number[]> = {
    get: [],
    list: [],
    create: [],
    update: [],
    patch: [],
    delete: [],
  };
  readonly #client: Client;
  #running = true;
  #ended: Promise<void> = Promise.resolve();
  errors = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** @param rate calls a second */
  start(rate: number): void {
    this.#ended = this.#run((6 * 1000) / rate);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#ended;
  }

  async #run(everyMs: number): Promise<void> {
    for (let i = 0; this.#running; i++) {
      const from = performance.now();
      await this.#round(i).catch(() => this.errors++);
      await sleep(Math.max(0, everyMs - (performance.now() - from)));
    }
  }

  async #round(i: number): Promise<void> {
    const key = { namespace: namespaceOf(i), name: `probe-${i}` };
    const made = await this.#timed("create", () =>
      this.#client.create(configMaps, { metadata: key, data: { a: "1" } }),
    );
    await this.#timed("update", () => this.#client.update(configMaps, { ...made, data: { a: "2" } }));
    const body = { data: { b: "3" } };
    await this.#timed("patch", () => this.#client.patch(configMaps, key, { type: "merge", body }));
    await this.#timed("get", () => this.#client.get(configMaps, key));
    await this.#timed("list", () => this.#client.list(pods, { namespace: key.namespace, limit: 500 }));
    await this.#timed("delete", () => this.#client.delete(configMaps, key));
  }

  async #timed<T>(verb: keyof Prober["times"], call: () => Promise<T>): Promise<T> {
    const from = performance.now();
    const answer = await call();
    this.times[verb].push(performance.now() - from);
    return answer;
  }
}

/** @param share 0.99: the value that 99 of 100 do not exceed */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}
