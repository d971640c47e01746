/**
 * One of several acts (client-go, tools/leaderelection): whose name stands in a Lease that it renews in time.
 * Nobody's clock is compared with another's: a Lease ends so long after one last saw it change.
 */
import { performance } from "node:perf_hooks";
import type { Lease } from "../model/kubernetes.ts";
import { microTimestamp } from "../model/timestamp.ts";
import type { Clock } from "../reconcile/clock.ts";
import { Pauses, within } from "../reconcile/pauses.ts";
import type { Client } from "./client.ts";
import type { EventRecorder } from "./event_recorder.ts";
import { resourceTypes } from "./resource_types.ts";
import { isAlreadyExists, isConflict, isNotFound } from "./status_error.ts";

export interface LeaseTimes {
  /** Others may take the Lease so long after its last change that they saw, in ms. */
  readonly leaseMs: number;
  /** A leader that has not renewed for so long leads no more, in ms; well below the lease's. */
  readonly renewDeadlineMs: number;
  /** Between two looks, and two renewals, in ms. */
  readonly retryMs: number;
}

/** A term of leadership. */
export interface Term {
  /** Greater than that of every term before (the Lease's version when it was taken). */
  readonly number: number;
  /** False from the moment on at which the term may be another's. */
  isHeld(): boolean;
}

export interface Leading {
  /** Nothing of it acts any more when this returns. */
  stop(): Promise<void>;
}

export interface LeaderElectionOptions {
  /** Its calls must be bounded, by less than the renew deadline. */
  readonly client: Client;
  readonly events: EventRecorder;
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Nobody else's. */
  readonly identity: string;
  readonly times: LeaseTimes;
  /** Begins to act; what it throws ends the term. */
  readonly lead: (term: Term) => Promise<Leading>;
  readonly onError: (error: unknown, attempted: string) => void;
  readonly clock: Clock;
  /** In ms, never set back. */
  readonly monotonic?: () => number;
}

/** Those who look for the end of a Lease do not look all at once: up to this share later. */
const jitter = 0.2;

export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #monotonic: () => number;
  /** The Lease as it was seen last, and when. */
  #seen: Lease | undefined;
  #seenAt = 0;
  #heldUntil = -Infinity;
  #stopping = false;
  readonly #stop: Promise<void>;
  #requestStop: () => void = () => undefined;
  #ended: Promise<void> = Promise.resolve();
  readonly #pauses: Pauses;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#pauses = new Pauses(options.clock);
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#stop = new Promise((resolve) => (this.#requestStop = resolve));
  }

  get isLeader(): boolean {
    return this.#monotonic() < this.#heldUntil;
  }

  start(): void {
    this.#ended = this.#run();
  }

  /** Stops what leads, and gives the Lease up, so that another need not wait for its end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#requestStop();
    this.#pauses.wake();
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const lease = await this.#tryAcquire();
      if (lease) await this.#lead(lease);
      if (!this.#stopping) await this.#pauses.pause(this.#options.times.retryMs * (1 + jitter * Math.random()));
    }
  }

  /** @returns the Lease where it is this one's now */
  async #tryAcquire(): Promise<Lease | undefined> {
    try {
      const current = await this.#read();
      if (current && !this.#mayTake(current)) return undefined;
      return await this.#write(current);
    } catch (error) {
      // Somebody else was first.
      if (!isConflict(error) && !isAlreadyExists(error)) this.#options.onError(error, "take the lease");
      return undefined;
    }
  }

  async #read(): Promise<Lease | undefined> {
    const { client, lease } = this.#options;
    try {
      const current = await client.get(resourceTypes.leases, lease);
      if (current.metadata.resourceVersion !== this.#seen?.metadata.resourceVersion) {
        this.#seen = current;
        this.#seenAt = this.#monotonic();
      }
      return current;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return undefined;
    }
  }

  #mayTake({ spec }: Lease): boolean {
    const { holderIdentity = "", leaseDurationSeconds = 0 } = spec;
    if (holderIdentity === "" || holderIdentity === this.#options.identity) return true;
    return this.#monotonic() >= this.#seenAt + leaseDurationSeconds * 1000;
  }

  /** Takes the Lease, or renews it. From the moment on at which that was asked it is held until the deadline. */
  async #write(current: Lease | undefined): Promise<Lease> {
    const { client, lease, times } = this.#options;
    const askedAt = this.#monotonic();
    const spec = this.#specBehind(current?.spec);
    const written = current
      ? await client.update(resourceTypes.leases, { ...current, spec })
      : await client.create(resourceTypes.leases, { metadata: lease, spec });
    this.#seen = written;
    this.#seenAt = this.#monotonic();
    this.#heldUntil = askedAt + times.renewDeadlineMs;
    return written;
  }

  #specBehind(before: Lease["spec"] | undefined): Lease["spec"] {
    const { identity, times, clock } = this.#options;
    const now = microTimestamp(clock.now());
    const isOurs = before?.holderIdentity === identity;
    const transitions = before?.leaseTransitions ?? 0;
    return {
      ...before,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(times.leaseMs / 1000),
      acquireTime: isOurs ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: before && !isOurs ? transitions + 1 : transitions,
    };
  }

  async #lead(lease: Lease): Promise<void> {
    const { events, identity, lead, onError } = this.#options;
    events.event(lease, "Normal", "LeaderElection", `${identity} became leader`);
    let isOver = false;
    const term = { number: Number(lease.metadata.resourceVersion), isHeld: () => !isOver && this.isLeader };
    const renewed = this.#renewUntil(() => isOver);
    const leading = lead(term).catch((error: unknown) => onError(error, "begin to lead"));
    // A start that fails ends the term: another may do better.
    const failed = new Promise<void>((resolve) => void leading.then((l) => l ?? resolve()));
    await Promise.race([renewed, this.#stop, failed]);
    await (await leading)?.stop().catch((error: unknown) => onError(error, "stop leading"));
    isOver = true;
    this.#pauses.wake();
    await renewed;
    if (this.isLeader) await this.#release();
    this.#heldUntil = -Infinity;
    events.event(lease, "Normal", "LeaderElection", `${identity} stopped leading`);
  }

  /** Ends when the Lease is lost, or leading is over. */
  async #renewUntil(isOver: () => boolean): Promise<void> {
    const { retryMs } = this.#options.times;
    while (!isOver() && this.isLeader) {
      await this.#pauses.pause(Math.min(retryMs, this.#heldUntil - this.#monotonic()));
      if (isOver() || !this.isLeader) return;
      // An answer that comes behind the deadline is waited for no longer.
      await within(this.#options.clock, this.#heldUntil - this.#monotonic(), this.#renew());
    }
  }

  async #renew(): Promise<void> {
    const heldUntil = this.#heldUntil;
    try {
      const current = await this.#read();
      if (current && current.spec.holderIdentity !== this.#options.identity) this.#heldUntil = -Infinity;
      else if (this.isLeader) await this.#write(current);
    } catch (error) {
      if (!isConflict(error)) this.#options.onError(error, "renew the lease");
    }
    // A term that ended while this was asked is not taken up again by its answer.
    if (this.#monotonic() >= heldUntil && this.#heldUntil > heldUntil) this.#heldUntil = heldUntil;
  }

  async #release(): Promise<void> {
    const { client, clock, onError } = this.#options;
    const seen = this.#seen;
    if (!seen) return;
    const now = microTimestamp(clock.now());
    const spec = { ...seen.spec, holderIdentity: "", leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
    try {
      await client.update(resourceTypes.leases, { ...seen, spec });
    } catch (error) {
      onError(error, "give the lease up");
    }
  }
}
