/** Questions that the cluster cannot answer, to servers that can: within bounds of number, time and memory. */
import { randomInt } from "node:crypto";
import type { Query } from "../wire/decode.ts";
import { rcodes } from "../wire/numbers.ts";
import { emptyBody, renderUpstreamQuery, type Body } from "../wire/render.ts";
import { AnswerCache } from "./cache.ts";
import { decodeAnswer, type UpstreamAddress, type UpstreamAnswer } from "./decode.ts";
import { exchangeTcp, exchangeUdp } from "./exchange.ts";
import type { ForwardObserver } from "./observer.ts";

export interface ForwarderOptions {
  /** For every name that is of no stub domain. */
  readonly upstreams: readonly UpstreamAddress[];
  /** Domain, lower-case, without the last dot → its servers. */
  readonly stubDomains: ReadonlyMap<string, readonly UpstreamAddress[]>;
  readonly cacheSeconds: number;
  readonly now: () => number;
  readonly observer: ForwardObserver;
  /** Default: 9984, as CoreDNS's. */
  readonly cacheCapacity?: number;
  /** Questions on their way at one time; the rest fails at once. Default: 1000, as kubeadm's Corefile has it. */
  readonly maxConcurrent?: number;
  /** Bound of one question to one server, in ms. */
  readonly tryMs?: number;
}

/** Bound of a question with all its tries, in tries: CoreDNS's 5 s. */
const maxTries = 3;
/** So many failures in a row put a server behind the others, for this long in ms. */
const maxFails = 2;
const restMs = 5000;

interface Health {
  fails: number;
  restsUntil: number;
}

export class Forwarder {
  readonly #options: Required<ForwarderOptions>;
  readonly #cache: AnswerCache;
  readonly #health = new Map<UpstreamAddress, Health>();
  /** One for all who ask the same: a question that comes back to us, as from a server that asks us, goes no further. */
  readonly #flights = new Map<string, Promise<Body>>();

  constructor(options: ForwarderOptions) {
    this.#options = { cacheCapacity: 9984, maxConcurrent: 1000, tryMs: 1600, ...options };
    const { cacheCapacity: capacity, cacheSeconds: maxTtlSeconds, now } = this.#options;
    this.#cache = new AnswerCache({ capacity, maxTtlSeconds, now });
  }

  cached(kind: "success" | "denial"): number {
    return this.#cache.size(kind);
  }

  get inFlight(): number {
    return this.#flights.size;
  }

  /** Never rejects: SERVFAIL where no server answers. */
  resolve(query: Query): Body | Promise<Body> {
    const { observer, maxConcurrent } = this.#options;
    const key = keyOf(query);
    const hit = this.#cache.get(key);
    observer.cached(hit?.kind);
    if (hit) return hit.body;
    const flying = this.#flights.get(key);
    if (flying) return flying;
    const servers = this.#serversOf(query.name);
    if (servers.length === 0) return emptyBody(rcodes.REFUSED);
    if (this.#flights.size >= maxConcurrent) {
      observer.rejected();
      return emptyBody(rcodes.SERVFAIL);
    }
    const flight = this.#ask(query, key, servers).finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  async #ask(query: Query, key: string, servers: readonly UpstreamAddress[]): Promise<Body> {
    for (const server of this.#inOrder(servers)) {
      const answer = await this.#try(query, server);
      if (!answer) continue;
      this.#cache.set(key, answer);
      return answer.body;
    }
    return emptyBody(rcodes.SERVFAIL);
  }

  async #try(query: Query, server: UpstreamAddress): Promise<UpstreamAnswer | undefined> {
    const { observer, tryMs, now } = this.#options;
    const since = now();
    const id = randomInt(65_536);
    const bytes = renderUpstreamQuery(query, id);
    const accept = (message: Buffer): UpstreamAnswer | undefined => decodeAnswer(message, id, query);
    try {
      let answer = await exchangeUdp(server, bytes, accept, tryMs);
      if (answer.isTruncated) answer = await exchangeTcp(server, bytes, accept, tryMs);
      this.#healthOf(server).fails = 0;
      observer.answered(server, answer.body.rcode, (now() - since) / 1000);
      return answer;
    } catch {
      this.#failed(server);
      return undefined;
    }
  }

  #failed(server: UpstreamAddress): void {
    const { observer, now } = this.#options;
    const health = this.#healthOf(server);
    health.fails++;
    if (health.fails >= maxFails) health.restsUntil = now() + restMs;
    observer.failed(server);
  }

  #healthOf(server: UpstreamAddress): Health {
    let health = this.#health.get(server);
    if (!health) this.#health.set(server, (health = { fails: 0, restsUntil: 0 }));
    return health;
  }

  /** From any of them on, those that failed lately at the end. One server alone is tried twice: a packet may be lost. */
  #inOrder(servers: readonly UpstreamAddress[]): readonly UpstreamAddress[] {
    const start = randomInt(servers.length);
    const turned = [...servers.slice(start), ...servers.slice(0, start)];
    const now = this.#options.now();
    const rests = (server: UpstreamAddress): boolean => (this.#health.get(server)?.restsUntil ?? 0) > now;
    const ordered = [...turned.filter((server) => !rests(server)), ...turned.filter(rests)];
    return (ordered.length === 1 ? [...ordered, ...ordered] : ordered).slice(0, maxTries);
  }

  /** The longest stub domain that the name is of. */
  #serversOf(name: string): readonly UpstreamAddress[] {
    const { stubDomains, upstreams } = this.#options;
    if (stubDomains.size === 0) return upstreams;
    for (let rest = name; rest !== ""; rest = rest.slice(rest.indexOf(".") + 1)) {
      const servers = stubDomains.get(rest);
      if (servers) return servers;
      if (!rest.includes(".")) break;
    }
    return upstreams;
  }
}

function keyOf({ name, type, class: cls, flags, edns }: Query): string {
  return `${type} ${cls} ${edns?.wantsDnssec ? 1 : 0} ${flags & 0x10} ${name}`;
}
