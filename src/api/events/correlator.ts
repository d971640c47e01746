/**
 * What becomes of an Event in the light of those before it (client-go, tools/record/events_cache.go): the same
 * again counts up, many that differ in the message alone become one, and a source that says too much of one
 * object is not heard for a while.
 */
import type { Event, New } from "../../model/kubernetes.ts";
import { LruMap } from "./lru_map.ts";

export type NewEvent = New<Event> & { readonly metadata: { readonly name: string; readonly namespace: string } };

export type Correlated =
  | { readonly do: "skip" }
  | { readonly do: "create"; readonly key: string; readonly event: NewEvent }
  /** Where it is not there any more, it is created. */
  | { readonly do: "patch"; readonly key: string; readonly event: NewEvent; readonly patch: object };

export const maxRemembered = 4096;
/** From this many different messages on, within the interval, one Event stands for all. */
export const maxSimilar = 10;
export const similarWithinMs = 600_000;
export const spamBurst = 25;
/** One more Event of a source and object is let through each so many ms. */
export const spamRefillMs = 300_000;

interface Similar {
  readonly messages: ReadonlySet<string>;
  readonly lastMs: number;
}

interface Observed {
  readonly count: number;
  readonly firstTimestamp: string;
  readonly name: string;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

export class EventCorrelator {
  readonly #similar = new LruMap<Similar>(maxRemembered);
  readonly #observed = new LruMap<Observed>(maxRemembered);
  readonly #buckets = new LruMap<Bucket>(maxRemembered);

  /** @param combinedName name of the Event that stands for many, should this become one */
  correlate(event: NewEvent, nowMs: number, combinedName: string): Correlated {
    const { event: aggregated, key } = this.#aggregate(event, nowMs, combinedName);
    const correlated = this.#observe(aggregated, key);
    return this.#isSpam(event, nowMs) ? { do: "skip" } : correlated;
  }

  #aggregate(event: NewEvent, nowMs: number, combinedName: string): { event: NewEvent; key: string } {
    const kindOfEvent = aggregateKey(event);
    const before = this.#similar.get(kindOfEvent);
    const messages = new Set(before && nowMs - before.lastMs <= similarWithinMs ? before.messages : []);
    messages.add(event.message ?? "");
    const isMany = messages.size >= maxSimilar;
    if (isMany) messages.delete(messages.values().next().value!);
    this.#similar.set(kindOfEvent, { messages, lastMs: nowMs });
    if (!isMany) return { event, key: eventKey(event) };
    const message = `(combined from similar events): ${event.message}`;
    const metadata = { ...event.metadata, name: combinedName };
    return { event: { ...event, metadata, message }, key: kindOfEvent };
  }

  #observe(event: NewEvent, key: string): Correlated {
    const last = this.#observed.get(key);
    const count = (last?.count ?? 0) + 1;
    const { name, firstTimestamp } = last ?? { name: event.metadata.name, firstTimestamp: event.firstTimestamp! };
    const now = { ...event, metadata: { ...event.metadata, name }, firstTimestamp, count };
    this.#observed.set(key, { count, firstTimestamp, name });
    if (!last) return { do: "create", key, event: now };
    const { lastTimestamp, message } = now;
    return { do: "patch", key, event: now, patch: { count, lastTimestamp, message } };
  }

  #isSpam(event: NewEvent, nowMs: number): boolean {
    const key = spamKey(event);
    const before = this.#buckets.get(key) ?? { tokens: spamBurst, atMs: nowMs };
    const tokens = Math.min(spamBurst, before.tokens + Math.max(0, nowMs - before.atMs) / spamRefillMs);
    const isSpam = tokens < 1;
    this.#buckets.set(key, { tokens: isSpam ? tokens : tokens - 1, atMs: nowMs });
    return isSpam;
  }
}

/** Parts that names and messages cannot run together. */
function joined(...parts: readonly (string | undefined)[]): string {
  return parts.map((part) => part ?? "").join("\0");
}

function spamKey({ source, involvedObject: about }: NewEvent): string {
  return joined(source?.component, source?.host, about.kind, about.namespace, about.name, about.uid, about.apiVersion);
}

function eventKey(event: NewEvent): string {
  return joined(spamKey(event), event.involvedObject.fieldPath, event.type, event.reason, event.message);
}

function aggregateKey(event: NewEvent): string {
  return joined(spamKey(event), event.type, event.reason, event.reportingComponent, event.reportingInstance);
}
