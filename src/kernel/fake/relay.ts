/** A relay that relays nothing: it knows who would be led where. */
import { FairleadError } from "../../errors/catalogue.ts";
import { ipBytes, type IpAddress } from "../../model/address.ts";
import type { RelayedCount } from "../../model/service.ts";
import type { RelayCounts, RelayFrontend, RelayListener, RelayPort } from "../ports.ts";

const firstPort = 40_000;
const endpointBytes = { IPv4: 8, IPv6: 20 } as const;

export class FakeRelay implements RelayPort {
  readonly #scopes: ReadonlyMap<number, number>;
  readonly #frontends = new Map<string, RelayFrontend>();
  readonly #ports = new Map<string, number>();
  readonly #taken: ReadonlySet<number>;
  #nextPort = firstPort;
  #isOpen = true;

  /** @param taken ports that somebody else has, at every address */
  constructor(listeners: readonly RelayListener[], taken: readonly number[] = []) {
    this.#taken = new Set(taken);
    this.#scopes = new Map(listeners.map(({ scope }) => [scope, this.#nextPort++]));
  }

  portOf(scope: number): number {
    const port = this.#scopes.get(scope);
    if (port === undefined) throw new TypeError(`the relay has no listener of scope ${scope}`);
    return port;
  }

  update(set: readonly RelayFrontend[], gone: readonly string[]): Promise<readonly number[]> {
    if (!this.#isOpen) return Promise.reject(refused("EBADF"));
    if (set.some(({ endpoints, family }) => endpoints.length % endpointBytes[family] !== 0)) {
      return Promise.reject(new TypeError("endpoints are of another length"));
    }
    if (set.some(({ listen }) => listen && this.#taken.has(listen.port))) return Promise.reject(refused("EADDRINUSE"));
    const ports = set.map((frontend) => this.#portOfOwn(frontend));
    for (const frontend of set) this.#frontends.set(frontend.key, frontend);
    for (const key of gone) {
      this.#frontends.delete(key);
      this.#ports.delete(key);
    }
    return Promise.resolve(ports);
  }

  counts(): Promise<RelayCounts> {
    if (!this.#isOpen) return Promise.reject(refused("EBADF"));
    return Promise.resolve({ connections: 0, flows: 0, overflows: 0n, strangers: 0n, shortages: 0n });
  }

  frontendCounts(): Promise<ReadonlyMap<string, RelayedCount>> {
    if (!this.#isOpen) return Promise.reject(refused("EBADF"));
    return Promise.resolve(new Map([...this.#frontends.keys()].map((key) => [key, nothing])));
  }

  isIdle(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    this.#isOpen = false;
    return Promise.resolve();
  }

  /** Keys of all frontends, sorted. */
  get keys(): readonly string[] {
    return [...this.#frontends.keys()].sort();
  }

  /** Who is meant by what comes to one of its ports. @param original where it was going before it was led there */
  frontendAt(
    port: number,
    original: { readonly address: IpAddress; readonly port: number },
  ): RelayFrontend | undefined {
    const address = Buffer.from(ipBytes(original.address)!).toString("latin1");
    const tail = String.fromCharCode(original.port >>> 8, original.port & 255);
    const own = this.#frontends.get([...this.#ports].find(([, one]) => one === port)?.[0] ?? "");
    if (own) {
      const isMeant = own.listen ?? [address + tail, tail].includes(own.key.slice(1));
      return isMeant ? own : undefined;
    }
    const scope = [...this.#scopes].find(([, one]) => one === port)?.[0];
    if (scope === undefined) return undefined;
    const head = String.fromCharCode(scope);
    return this.#frontends.get(head + address + tail) ?? this.#frontends.get(head + tail);
  }

  #portOfOwn({ key, protocol, listen }: RelayFrontend): number {
    if (protocol === "TCP" && !listen) return 0;
    const had = this.#frontends.get(key)?.listen;
    const isSame = had?.address === listen?.address && had?.port === listen?.port;
    const known = isSame ? this.#ports.get(key) : undefined;
    const port = known ?? (listen?.port || this.#nextPort++);
    this.#ports.set(key, port);
    return port;
  }
}

/** Nothing is relayed, so that nothing is counted. */
const nothing: RelayedCount = {
  connections: 0n,
  refused: 0n,
  retries: 0n,
  bytesIn: 0n,
  bytesOut: 0n,
  dropped: 0n,
};

function refused(code: string): FairleadError {
  return new FairleadError("NATIVE_CALL", { subject: "change the relay", reason: code });
}
