/** The relay of the native add-on. */
import { readFile } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { ipBytes } from "../../model/address.ts";
import type { IpFamily, RelayedCount } from "../../model/service.ts";
import { native, type NamespaceRef, type NativeRelay, type RelayOptions } from "../native.ts";
import type { RelayCounts, RelayFrontend, RelayListener, RelayPort } from "../ports.ts";
import { callFailed } from "./netlink_client.ts";

export interface OpenRelayOptions extends Pick<RelayOptions, "workers" | "mark" | "idleMs" | "halfClosedMs"> {
  /** Default: this process's own. */
  readonly namespace?: NamespaceRef;
  readonly listeners: readonly RelayListener[];
}

/** As upstream's userspace mode had it (pkg/proxy/userspace/proxysocket.go, EndpointDialTimeouts). */
const connectTimeoutsMs = [250, 500, 1000, 2000];
/** As long as conntrack keeps a flow by which little comes (nf_conntrack_udp_timeout). */
const flowIdleMs = 30_000;
const anyAddress: Readonly<Record<IpFamily, Uint8Array>> = { IPv4: new Uint8Array(4), IPv6: new Uint8Array(16) };

/** @throws FairleadError NATIVE_CALL */
export async function openRelay(options: OpenRelayOptions): Promise<RelayPort> {
  const { namespace = null, workers, mark, idleMs, halfClosedMs, listeners } = options;
  const places = await placesOfProcess();
  const relay = await attempt("open a relay", () =>
    native().openRelay({
      namespace,
      workers,
      mark,
      idleMs,
      halfClosedMs,
      flowIdleMs,
      connectTimeoutsMs,
      maxConnections: places,
      maxFlows: places,
      listeners: listeners.map(({ family, scope }) => ({ scope, address: anyAddress[family], port: 0 })),
    }),
  );
  return new RealRelay(relay, listeners);
}

class RealRelay implements RelayPort {
  readonly #relay: NativeRelay;
  readonly #scopes: ReadonlyMap<number, number>;
  /** The relay takes one change at a time, and two families have theirs. */
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(relay: NativeRelay, listeners: readonly RelayListener[]) {
    this.#relay = relay;
    this.#scopes = new Map(listeners.map(({ scope }, i) => [scope, relay.ports[i]!]));
  }

  portOf(scope: number): number {
    const port = this.#scopes.get(scope);
    if (port === undefined) throw new TypeError(`the relay has no listener of scope ${scope}`);
    return port;
  }

  update(set: readonly RelayFrontend[], gone: readonly string[]): Promise<readonly number[]> {
    const change = { set: set.map(nativeFrontend), gone: gone.map(bytes) };
    const next = this.#last.then(() => attempt("change the relay", () => this.#relay.update(change)));
    this.#last = next.catch(() => undefined);
    return next;
  }

  counts(): Promise<RelayCounts> {
    return attempt("read the relay's counters", () => this.#relay.counts());
  }

  async frontendCounts(): Promise<ReadonlyMap<string, RelayedCount>> {
    const packed = await attempt("read the relay's counters", () => this.#relay.frontendCounts());
    const counts = new Map<string, RelayedCount>();
    for (const [key, count] of unpackCounts(packed)) {
      counts.set(key, count);
      if (counts.size % sliceLength === 0) await setImmediate();
    }
    return counts;
  }

  async isIdle(): Promise<boolean> {
    if (this.#isClosed) return true;
    const { connections, flows } = await this.counts();
    return connections === 0 && flows === 0;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#relay.close();
  }
}

/** Frontends whose counts are read before others have their turn: a few ms. */
const sliceLength = 2000;

/** @param packed as {@link NativeRelay.frontendCounts} has it */
export function* unpackCounts(packed: Buffer): Generator<readonly [string, RelayedCount], void> {
  let at = 0;
  const number = (): bigint => packed.readBigUInt64LE((at += 8) - 8);
  while (at < packed.length) {
    const length = packed[at]!;
    const key = packed.toString("latin1", at + 1, at + 1 + length);
    at += 1 + length;
    const [connections, refused, retries] = [number(), number(), number()];
    yield [key, { connections, refused, retries, bytesIn: number(), bytesOut: number(), dropped: number() }];
  }
}

function nativeFrontend({ key, protocol, family, listen, endpoints, affinityMs }: RelayFrontend) {
  return {
    key: bytes(key),
    protocol,
    listen: listen ? { address: ipBytes(listen.address)!, port: listen.port } : defaultListener(protocol, family),
    isRedirected: !listen,
    ipVersion: family === "IPv4" ? 4 : 6,
    endpoints: bytes(endpoints),
    affinityMs,
  } as const;
}

/** Of UDP nothing tells where a datagram was going before it is known whose it is. */
function defaultListener(protocol: RelayFrontend["protocol"], family: IpFamily) {
  return protocol === "UDP" ? { address: anyAddress[family], port: 0 } : null;
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

const mostPlaces = 250_000;
/** For everything else, and for pipes: descriptors. */
const reservedDescriptors = 1024;

/** A connection has two descriptors and a flow one: of each a third as many as the process may have. */
async function placesOfProcess(): Promise<number> {
  const limits = await readFile("/proc/self/limits", "utf8");
  const most = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  return Math.min(mostPlaces, Math.max(256, Math.floor((most - reservedDescriptors) / 3)));
}

async function attempt<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw callFailed(what, cause);
  }
}
