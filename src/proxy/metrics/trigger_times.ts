/** When changes of endpoints began that are not programmed yet (upstream: pkg/proxy/endpointschangetracker.go). */
import type { EndpointSlice } from "../../model/kubernetes.ts";
import type { IpFamily } from "../../model/service.ts";
import { triggerTime } from "./derive.ts";

/** Of one Service in one family, while programming fails: the ones that wait longest are kept. */
const maxTimes = 100;

export class TriggerTimes {
  readonly #startMs: number;
  readonly #times = new Map<string, { readonly family: IpFamily; readonly times: number[] }>();

  /** @param startMs of the agent: what began before would measure how long it was away */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** A slice came or changed. */
  changed(slice: EndpointSlice): void {
    const { addressType: family } = slice;
    const ms = triggerTime(slice);
    if (ms === undefined || ms <= this.#startMs || (family !== "IPv4" && family !== "IPv6")) return;
    const key = keyOf(slice);
    const waiting = this.#times.get(key);
    if (!waiting) this.#times.set(key, { family, times: [ms] });
    else if (waiting.times.length < maxTimes) waiting.times.push(ms);
  }

  /** A slice is gone: what it says last is the time of the change before that. */
  removed(slice: EndpointSlice): void {
    this.#times.delete(keyOf(slice));
  }

  /** The times of what is programmed by now. */
  take(family: IpFamily): readonly number[] {
    const taken: number[] = [];
    for (const [key, waiting] of this.#times) {
      if (waiting.family !== family) continue;
      taken.push(...waiting.times);
      this.#times.delete(key);
    }
    return taken;
  }
}

function keyOf({ addressType, metadata }: EndpointSlice): string {
  const service = metadata.labels?.["kubernetes.io/service-name"] ?? "";
  return `${addressType} ${metadata.namespace ?? ""}/${service}`;
}
