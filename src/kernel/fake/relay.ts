/** A relay that relays nothing: it knows who would be led where. */
import { FairleadError } from "../../errors/catalogue.ts";
import { ipBytes, type IpAddress } from "../../model/address.ts";
import type { RelayFrontend, RelayListener, RelayPort } from "../ports.ts";

const firstPort = 40_000;
const endpointBytes = { IPv4: 8, IPv6: 20 } as const;

export class FakeRelay implements RelayPort {
  readonly #scopes: ReadonlyMap<number, number>;
  readonly #frontends = new Map<string, RelayFrontend>();
  readonly #ports = new Map<string, number>();
  #nextPort = firstPort;
  #isOpen = true;

  constructor(listeners: readonly RelayListener[]) {
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
    for (const frontend of set) this.#frontends.set(frontend.key, frontend);
    const ports = set.map(({ key, protocol }) => (protocol === "UDP" ? this.#portOfOwn(key) : 0));
    for (const key of gone) {
      this.#frontends.delete(key);
      this.#ports.delete(key);
    }
    return Promise.resolve(ports);
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
    const own = [...this.#ports].find(([, one]) => one === port);
    if (own) return this.#frontends.get(own[0]);
    const scope = [...this.#scopes].find(([, one]) => one === port)?.[0];
    if (scope === undefined) return undefined;
    const head = String.fromCharCode(scope);
    const tail = String.fromCharCode(original.port >>> 8, original.port & 255);
    const address = Buffer.from(ipBytes(original.address)!).toString("latin1");
    return this.#frontends.get(head + address + tail) ?? this.#frontends.get(head + tail);
  }

  #portOfOwn(key: string): number {
    const port = this.#ports.get(key) ?? this.#nextPort++;
    this.#ports.set(key, port);
    return port;
  }
}

function refused(code: string): FairleadError {
  return new FairleadError("NATIVE_CALL", { subject: "change the relay", reason: code });
}
