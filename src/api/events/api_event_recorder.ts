/**
 * Writes Events as client-go's recorder does (tools/record/event.go): behind whoever records them; what does not
 * fit the queue, or is refused, is dropped. Those that count up the same one follow one another; of others a few
 * are under way at a time, because a scheduler makes more than a server answers one by one.
 */
import { randomInt } from "node:crypto";
import type { Event } from "../../model/kubernetes.ts";
import { timestamp } from "../../model/timestamp.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { Pauses, within } from "../../reconcile/pauses.ts";
import type { Client } from "../client.ts";
import type { EventRecorder, EventSubject, EventType } from "../event_recorder.ts";
import { resourceTypes } from "../resource_types.ts";
import { isNamespaceTerminating, isNotFound, StatusError } from "../status_error.ts";
import { EventCorrelator, type Correlated, type NewEvent } from "./correlator.ts";

export interface ApiEventRecorderOptions {
  /** Name of who reports: "replicaset-controller". */
  readonly component: string;
  /** The node that it runs on, where that matters (the kubelet's). */
  readonly host?: string;
  readonly clock: Clock;
  /** Told of an Event that could not be written. */
  readonly onDropped?: (error: unknown) => void;
}

/** Events that are written at one time. */
const maxInFlight = 8;
/** Events that wait to be written. */
const maxQueued = 1000;
/** Times that an Event is sent to a server that does not answer, and the wait between them in ms. */
const maxTries = 12;
const retryMs = 10_000;

export class ApiEventRecorder implements EventRecorder {
  readonly #client: Client;
  readonly #options: ApiEventRecorderOptions;
  readonly #correlator = new EventCorrelator();
  readonly #queue: NewEvent[] = [];
  /** The last write that is under way, by what it counts up. */
  readonly #last = new Map<string, Promise<void>>();
  readonly #idle: (() => void)[] = [];
  #active = 0;
  #scheduled = false;
  #stopped = false;
  readonly #pauses: Pauses;

  constructor(client: Client, options: ApiEventRecorderOptions) {
    this.#client = client;
    this.#options = options;
    this.#pauses = new Pauses(options.clock);
  }

  event(about: EventSubject, type: EventType, reason: string, message: string): void {
    if (this.#stopped) return;
    if (this.#queue.length >= maxQueued) return this.#dropped(new Error(`${maxQueued} Events wait to be written`));
    this.#queue.push(this.#newEvent(about, type, reason, message));
    this.#schedule();
  }

  /** Takes nothing new; what waits is written, as long as the server answers within `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true;
    this.#pauses.wake();
    if (!this.#isIdle) {
      await within(this.#options.clock, timeoutMs, new Promise<void>((resolve) => this.#idle.push(resolve)));
    }
    this.#queue.length = 0;
  }

  get #isIdle(): boolean {
    return this.#queue.length === 0 && this.#active === 0;
  }

  #newEvent(about: EventSubject, type: EventType, reason: string, message: string): NewEvent {
    const { component, host, clock } = this.#options;
    const { apiVersion, kind, metadata } = about;
    const { name, namespace, uid, resourceVersion } = metadata;
    const fieldPath = "fieldPath" in about ? about.fieldPath : undefined;
    const now = timestamp(clock.now());
    return {
      metadata: { name: eventName(name, clock.now()), namespace: namespace ?? "default" },
      involvedObject: {
        kind,
        ...(namespace === undefined ? {} : { namespace }),
        name,
        ...(uid === undefined ? {} : { uid }),
        apiVersion,
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      reason,
      message,
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: component,
      reportingInstance: host ?? "",
    };
  }

  /** In a later turn: whoever records goes on first. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#take();
    });
  }

  #take(): void {
    while (this.#active < maxInFlight) {
      const event = this.#queue.shift();
      if (!event) break;
      const now = this.#options.clock.now();
      const combinedName = eventName(event.involvedObject.name ?? "", now);
      const correlated = this.#correlator.correlate(event, now, combinedName);
      if (correlated.do !== "skip") this.#write(correlated);
    }
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Behind the one that it counts up, where that is under way. */
  #write(correlated: Exclude<Correlated, { do: "skip" }>): void {
    const { key } = correlated;
    this.#active++;
    const before = this.#last.get(key) ?? Promise.resolve();
    const sent = before
      .then(() => this.#send(correlated))
      .finally(() => {
        this.#active--;
        if (this.#last.get(key) === sent) this.#last.delete(key);
        this.#take();
      });
    this.#last.set(key, sent);
  }

  async #send(correlated: Exclude<Correlated, { do: "skip" }>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#sendOnce(correlated);
      } catch (error) {
        // An answer is final, whatever it says.
        const isAnswer = error instanceof StatusError && error.code !== 0;
        if (isAnswer || this.#stopped || attempt === maxTries) return this.#dropped(error);
        // The first wait is of a random length: a server that comes back is not asked by all at once.
        await this.#pauses.pause(attempt === 1 ? retryMs * Math.random() : retryMs);
      }
    }
  }

  async #sendOnce(correlated: Exclude<Correlated, { do: "skip" }>): Promise<void> {
    const { events } = resourceTypes;
    if (correlated.do === "create") return void (await this.#client.create<Event>(events, correlated.event));
    const { event, patch } = correlated;
    try {
      await this.#client.patch<Event>(events, event.metadata, { type: "strategic", body: patch });
    } catch (error) {
      // Events live an hour.
      if (!isNotFound(error)) throw error;
      await this.#client.create<Event>(events, event);
    }
  }

  #dropped(error: unknown): void {
    if (!isNamespaceTerminating(error)) this.#options.onDropped?.(error);
  }
}

/** `<object>.<ns since 1970, hex>`; the digits below the clock's are drawn, so that names differ. */
function eventName(object: string, nowMs: number): string {
  const nanoseconds = BigInt(Math.floor(nowMs)) * 1_000_000n + BigInt(randomInt(1_000_000));
  return `${object}.${nanoseconds.toString(16)}`;
}
