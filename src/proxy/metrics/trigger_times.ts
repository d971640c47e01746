/** When changes of endpoints began that are not programmed yet (upstream: pkg/proxy/endpointschangetracker.go). */
import type { EndpointSlice } from "../../model/kubernetes.ts";
import type { IpFamily } from "../../model/service.ts";
import { triggerTime } from "./derive.ts";

interface Waiting {
  readonly family: IpFamily;
  readonly times: number[];
}

/** Of one Service in one family, while programming fails: the ones that wait longest are kept. */
const maxTimes = 100;
const families: readonly IpFamily[] = ["IPv4", "IPv6"];

export class TriggerTimes {
  readonly #startMs: number;
  readonly #waiting = new Map<string, Waiting>();
  /** Of Services that were derived, and are programmed next. */
  readonly #derived = new Map<string, Waiting>();

  /** @param startMs of the agent: what began before would measure how long it was away */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** A slice came or changed. @param service "namespace/name" of whose it is */
  changed(service: string, slice: EndpointSlice): void {
    const { addressType: family } = slice;
    const ms = triggerTime(slice);
    if (ms === undefined || ms <= this.#startMs || (family !== "IPv4" && family !== "IPv6")) return;
    add(this.#waiting, keyOf(family, service), { family, times: [ms] });
  }

  /** A slice is gone: what it says last is the time of the change before that. */
  removed(service: string, { addressType }: EndpointSlice): void {
    for (const family of families) if (addressType === family) this.#waiting.delete(keyOf(family, service));
  }

  derived(service: string): void {
    // As while the first list is derived.
    if (this.#waiting.size === 0) return;
    for (const family of families) {
      const key = keyOf(family, service);
      const waiting = this.#waiting.get(key);
      if (!waiting) continue;
      this.#waiting.delete(key);
      add(this.#derived, key, waiting);
    }
  }

  /** The times of what was derived, and is programmed by now. */
  take(family: IpFamily): readonly number[] {
    const taken: number[] = [];
    for (const [key, derived] of this.#derived) {
      if (derived.family !== family) continue;
      taken.push(...derived.times);
      this.#derived.delete(key);
    }
    return taken;
  }
}

function add(to: Map<string, Waiting>, key: string, { family, times }: Waiting): void {
  const before = to.get(key)?.times ?? [];
  to.set(key, { family, times: [...before, ...times].slice(0, maxTimes) });
}

function keyOf(family: IpFamily, service: string): string {
  return `${family} ${service}`;
}
