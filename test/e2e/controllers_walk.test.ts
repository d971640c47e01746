/**
 * Random walks over a cluster: workloads come, change and go, nodes die and come back, controllers stop and others
 * take over. Whatever happened, what is declared is what is there in the end. FAIRLEAD_SEED repeats a run.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Client } from "../../src/api/client.ts";
import { LoopbackClient } from "../../src/controlplane/apiserver/loopback/client.ts";
import { loopbackUser } from "../../src/controlplane/apiserver/loopback/loopback.ts";
import { defaultControllerOptions } from "../../src/controlplane/controllers/options.ts";
import { ActorRunner } from "../../src/controlplane/server/actor_runner.ts";
import { actorsOf } from "../../src/controlplane/server/actors.ts";
import type { ServerOptions } from "../../src/controlplane/server/options.ts";
import { EmbeddedStore } from "../../src/controlplane/store/embedded/embedded_store.ts";
import { eventually } from "../fixtures/eventually.ts";
import { seededRandom, type Random } from "../fixtures/fuzz/random.ts";
import { startSecureServer, type SecureServer } from "../fixtures/secure_server.ts";
import { seed } from "../fixtures/seed.ts";
import { HollowNodes } from "../fixtures/walk/hollow_nodes.ts";
import { change, declare, differences, remove, workloadKinds, type Workload } from "../fixtures/walk/workloads.ts";

const walks = process.env["FAIRLEAD_LONG"] ? 200 : 4;
const stepsOfWalk = 14;
/** Bound of coming to rest, in ms. */
const restMs = 60_000;
const nodeNames = ["node-a", "node-b", "node-c", "node-d"];
const images = ["app:1", "app:2", "app:3"];
/** Short, so that a walk sees nodes die and leaders change. */
const times = { leaseMs: 2000, renewDeadlineMs: 1200, retryMs: 200 };
const controllerOptions = { ...defaultControllerOptions, nodeMonitorGracePeriodMs: 1600, nodeMonitorPeriodMs: 200 };

let store: EmbeddedStore;
let server: SecureServer;
let client: Client;
let nodes: HollowNodes;
const runners: ActorRunner[] = [];
const complaints: unknown[] = [];

beforeAll(async () => {
  console.log(`seed ${seed} (FAIRLEAD_SEED repeats it)`);
  store = await EmbeddedStore.open({ file: ":memory:" });
  server = await startSecureServer({ store });
  client = new LoopbackClient(server.api.server.routes, { user: loopbackUser, userAgent: "kubectl" });
  nodes = new HollowNodes(client);
  for (const name of nodeNames) await nodes.start(name);
  runners.push(startRunner(), startRunner());
});
afterAll(async () => {
  await Promise.all(runners.map((runner) => runner.stop(10_000)));
  await nodes?.stop();
  await server?.stop();
});

function startRunner(): ActorRunner {
  const log = pino({ level: "error" }, { write: (line: string) => void complaints.push(line) });
  const { api } = server;
  const options = { controllers: ["*"], scheduler: true, controllerOptions } as unknown as ServerOptions;
  return new ActorRunner(actorsOf({ api, options, log }), log, { store, routes: api.server.routes, times });
}

for (let walk = 0; walk < walks; walk++) {
  it(`walk ${walk} ends in what is declared`, { timeout: restMs * 2 }, async () => {
    const random = seededRandom(seed + walk);
    const state = new Walk(random);
    for (let step = 0; step < stepsOfWalk; step++) {
      await state.step();
      await sleep(random.int(250));
    }
    await state.rest();
    // Nothing is left for the next walk.
    await state.clear();
    expect(nodes.failures).toEqual([]);
    expect(server.internalErrors).toEqual([]);
  });
}

class Walk {
  readonly #random: Random;
  readonly #wanted = new Map<string, Workload>();
  readonly #taken: string[] = [];
  readonly #log: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  async step(): Promise<void> {
    const steps = [
      () => this.#declare(),
      () => this.#declare(),
      () => this.#change(),
      () => this.#change(),
      () => this.#remove(),
      () => this.#loseNode(),
      () => this.#bringNode(),
      () => this.#restartRunner(),
    ];
    await this.#random.pick(steps)();
  }

  /** All nodes are back, and what is declared is what is there. */
  async rest(): Promise<void> {
    for (const name of nodeNames) await nodes.start(name);
    let found: readonly string[] = [];
    await eventually(
      `the declared state after ${this.#log.join("; ")}`,
      async () => {
        found = await differences(client, [...this.#wanted.values()], nodes.alive);
        return found.length === 0;
      },
      restMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${found.join("\n")}\n${complaints.slice(-40).join("")}`);
    });
  }

  async clear(): Promise<void> {
    for (const workload of this.#wanted.values()) await remove(client, workload, "Background");
    this.#wanted.clear();
    await this.rest();
  }

  async #declare(): Promise<void> {
    const kind = this.#random.pick(workloadKinds);
    const name = `${kind.toLowerCase()}-${this.#taken.length}`;
    const workload = { kind, name, replicas: 1 + this.#random.int(5), image: this.#random.pick(images) };
    this.#taken.push(name);
    this.#log.push(`declare ${name} x ${workload.replicas}`);
    await declare(client, workload);
    this.#wanted.set(name, workload);
  }

  async #change(): Promise<void> {
    const before = this.#any();
    if (!before || before.kind === "Job") return;
    const workload = { ...before, replicas: this.#random.int(6), image: this.#random.pick(images) };
    this.#log.push(`change ${before.name} to ${workload.replicas} of ${workload.image}`);
    await change(client, workload);
    this.#wanted.set(before.name, workload);
  }

  async #remove(): Promise<void> {
    const workload = this.#any();
    if (!workload) return;
    const policy = this.#random.pick(["Foreground", "Background"] as const);
    this.#log.push(`remove ${workload.name}, ${policy}`);
    this.#wanted.delete(workload.name);
    await remove(client, workload, policy);
  }

  /** One stays at least. */
  async #loseNode(): Promise<void> {
    const { alive } = nodes;
    if (alive.length < 2) return;
    const name = this.#random.pick(alive);
    const isGivenUp = this.#random.int(3) === 0;
    this.#log.push(`${isGivenUp ? "give up" : "kill"} ${name}`);
    if (isGivenUp) await nodes.remove(name);
    else nodes.kill(name);
  }

  async #bringNode(): Promise<void> {
    const dead = nodeNames.filter((name) => !nodes.alive.includes(name));
    if (dead.length === 0) return;
    const name = this.#random.pick(dead);
    this.#log.push(`bring ${name} back`);
    await nodes.start(name);
  }

  /** Of two, one stops and another begins; where it led, the other takes over. */
  async #restartRunner(): Promise<void> {
    const i = this.#random.int(runners.length);
    this.#log.push(`restart controllers ${i}`);
    await runners[i]!.stop(10_000);
    runners[i] = startRunner();
  }

  #any(): Workload | undefined {
    const all = [...this.#wanted.values()];
    return all.length === 0 ? undefined : this.#random.pick(all);
  }
}
