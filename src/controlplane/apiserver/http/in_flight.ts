/** The bound on requests answered at one time (apiserver, server/filters/maxinflight.go). */
import type { User } from "../context.ts";
import type { RequestInfo } from "../request/info.ts";
import { ApiError } from "../status.ts";
import type { InFlightKind } from "./observer.ts";

/** 0: no bound. */
export type InFlightLimits = Readonly<Record<InFlightKind, number>>;

/** Upstream's defaults. */
export const defaultLimits: InFlightLimits = { readOnly: 400, mutating: 200 };

const longRunningSubresources: ReadonlySet<string> = new Set(["attach", "exec", "proxy", "log", "portforward"]);
const readOnlyVerbs: ReadonlySet<string> = new Set(["get", "list", "watch", "http:get", "http:head"]);
/** Who asks for these must learn that the server is overloaded, not be part of it (the "probes" flow schema). */
const healthPath = /^\/(healthz|livez|readyz)(\/|$)/;

/** Requests that wait most of their time: they are not counted. */
export function isLongRunning({ verb, isResource, subresource }: RequestInfo): boolean {
  return verb === "watch" || (isResource && longRunningSubresources.has(subresource));
}

export class InFlight {
  readonly #limits: InFlightLimits;
  readonly #onRejected: ((kind: InFlightKind) => void) | undefined;
  readonly current: Record<InFlightKind, number> = { readOnly: 0, mutating: 0 };

  constructor(limits: InFlightLimits, onRejected?: (kind: InFlightKind) => void) {
    this.#limits = limits;
    this.#onRejected = onRejected;
  }

  /** @returns what is called once when the request is answered @throws ApiError 429 */
  enter(info: RequestInfo, user: User): () => void {
    if (isLongRunning(info) || healthPath.test(info.path)) return nothing;
    const kind: InFlightKind = readOnlyVerbs.has(info.verb) ? "readOnly" : "mutating";
    const limit = this.#limits[kind];
    // Whoever mends an overloaded cluster is let in.
    if (limit > 0 && this.current[kind] >= limit && !user.groups.includes("system:masters")) {
      this.#onRejected?.(kind);
      throw new ApiError("TooManyRequests", "Too many requests, please try again later.", { retryAfterSeconds: 1 });
    }
    this.current[kind]++;
    return () => this.current[kind]--;
  }
}

function nothing(): void {
  // Nothing was counted.
}
