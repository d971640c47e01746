/** Keeps actors going from the server's start to its stop: at once, or while a Lease is this server's. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { ApiEventRecorder } from "../../api/events/api_event_recorder.ts";
import { LeaderElection, type LeaseTimes, type Term } from "../../api/leader_election.ts";
import { systemClock } from "../../reconcile/clock.ts";
import { componentClient } from "../apiserver/loopback/accounts.ts";
import type { Routes } from "../apiserver/routes.ts";
import { takeFence } from "../store/fence.ts";
import type { Store } from "../store/store.ts";
import type { Actor, RunningActor } from "./actors.ts";

/** docs/decisions/040-leader-election.md */
export const leaseTimes: LeaseTimes = { leaseMs: 10_000, renewDeadlineMs: 6500, retryMs: 1500 };
const eventsGraceMs = 1000;

/** What several servers share, where only one may act. */
export interface Shared {
  readonly store: Store;
  readonly routes: Routes;
  /** Default: {@link leaseTimes}. */
  readonly times?: LeaseTimes;
}

export class ActorRunner {
  readonly #log: Logger;
  readonly #shared: Shared | undefined;
  readonly #running: readonly Promise<RunningActor>[];

  /** @param shared absent: this server is alone */
  constructor(actors: readonly Actor[], log: Logger, shared?: Shared) {
    this.#log = log;
    this.#shared = shared;
    const identity = `${hostname()}_${randomUUID()}`;
    this.#running = actors.map((actor) => (shared ? this.#elect(actor, identity, shared) : this.#start(actor)));
  }

  async #start(actor: Actor): Promise<RunningActor> {
    const running = await actor.start();
    this.#log.info({ actor: actor.name }, "acting");
    return running;
  }

  #elect(actor: Actor, identity: string, { routes, times = leaseTimes }: Shared): Promise<RunningActor> {
    const { name } = actor;
    const client = componentClient(routes, name);
    const onDropped = (err: unknown): void => this.#log.warn({ actor: name, err }, "an Event was not written");
    const events = new ApiEventRecorder(client, { component: name, clock: systemClock, onDropped });
    const election = new LeaderElection({
      client,
      events,
      lease: { namespace: "kube-system", name },
      identity,
      times,
      clock: systemClock,
      lead: (term) => this.#lead(actor, identity, term),
      onError: (err, attempted) => this.#log.warn({ actor: name, err }, `cannot ${attempted}; it is tried again`),
    });
    election.start();
    return Promise.resolve({
      async stop() {
        await election.stop();
        await events.stop(eventsGraceMs);
      },
    });
  }

  async #lead(actor: Actor, identity: string, term: Term): Promise<RunningActor> {
    const { name } = actor;
    const fence = await takeFence(this.#shared!.store, name, term.number, () => term.isHeld());
    const running = await actor.start(fence);
    this.#log.info({ actor: name, identity }, "acting as the leader");
    return {
      stop: async () => {
        await running.stop();
        this.#log.info({ actor: name, identity }, "acting no more");
      },
    };
  }

  /** @param timeoutMs bound of waiting for what they are at */
  async stop(timeoutMs: number): Promise<void> {
    const stopped = Promise.all(this.#running.map(async (running) => (await running).stop()));
    const late = sleep(timeoutMs, "late" as const, { ref: false });
    if ((await Promise.race([stopped, late])) === "late") this.#log.warn("controllers did not stop in time");
  }
}
