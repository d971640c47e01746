/** Frontends that are programmed, and those that changed so that flows of theirs may be stale. Computes only. */
import type { IpAddress } from "../../model/address.ts";
import { admits, deriveFlowPort, type FlowFrontend, type FlowPort } from "./derive.ts";
import type { WantedPort } from "../derive/derive.ts";

/** A frontend whose flows are to be looked at. */
export interface Dirty {
  readonly frontend: FlowFrontend;
  /** Endpoints that it had: needed where the frontend itself is gone. */
  readonly gone: ReadonlySet<string>;
}

/** Endpoints that are remembered of one frontend while conntrack cannot be cleaned; flows of others expire. */
const maxGone = 10_000;

export class FlowTable {
  /** By service port. */
  readonly #ports = new Map<string, FlowPort>();
  /** By frontend: who has it. Two Services may claim one address; flows to endpoints of either are right. */
  readonly #claims = new Map<string, Map<string, FlowPort>>();
  #dirty = new Map<string, { readonly frontend: FlowFrontend; readonly gone: Set<string> }>();

  /**
   * A service port is programmed as it is wanted now.
   *
   * @param name of the service port, of one family
   */
  set(name: string, wanted: WantedPort | undefined): void {
    const before = this.#ports.get(name);
    const after = deriveFlowPort(wanted);
    if (!before && !after) return;
    if (after) this.#ports.set(name, after);
    else this.#ports.delete(name);
    for (const [key, frontend] of before?.frontends ?? []) {
      this.#unclaim(key, name);
      const stays = after?.frontends.has(key) ?? false;
      this.#soil(key, frontend, gone(before!.serving, stays ? after!.serving : undefined));
    }
    for (const [key, frontend] of after?.frontends ?? []) {
      this.#claim(key, name, after!);
      // A flow that began before there was an endpoint was sent on as it was, and is for ever (kubernetes#48370).
      const had = before?.frontends.get(key);
      const isAnew = !had || before!.serving.size === 0 || had.sourceRanges?.join() !== frontend.sourceRanges?.join();
      if (isAnew) this.#soil(key, frontend, new Set(), true);
    }
  }

  /** Every node port's flows may be stale: they have come to other addresses. */
  soilNodePorts(): void {
    for (const { frontends } of this.#ports.values()) {
      for (const [key, frontend] of frontends) {
        if (frontend.address === undefined) this.#soil(key, frontend, new Set(), true);
      }
    }
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** What changed since this was called last. */
  take(): ReadonlyMap<string, Dirty> {
    const taken = this.#dirty;
    this.#dirty = new Map();
    return taken;
  }

  /** It could not be cleaned. */
  giveBack(dirty: ReadonlyMap<string, Dirty>): void {
    for (const [key, { frontend, gone }] of dirty) this.#soil(key, frontend, gone, true);
  }

  has(key: string): boolean {
    return this.#claims.has(key);
  }

  /** Whether anybody serves the frontend. */
  isServed(key: string): boolean {
    return this.#some(key, ({ serving }) => serving.size > 0);
  }

  /** @param backend "10.0.0.1:53" */
  serves(key: string, backend: string): boolean {
    return this.#some(key, ({ serving }) => serving.has(backend));
  }

  /** Whether the client may reach the frontend. */
  admits(key: string, client: IpAddress): boolean {
    return this.#some(key, ({ frontends }) => admits(frontends.get(key)!, client));
  }

  #some(key: string, holds: (port: FlowPort) => boolean): boolean {
    for (const port of this.#claims.get(key)?.values() ?? []) if (holds(port)) return true;
    return false;
  }

  #claim(key: string, name: string, port: FlowPort): void {
    const claims = this.#claims.get(key) ?? new Map<string, FlowPort>();
    this.#claims.set(key, claims.set(name, port));
  }

  #unclaim(key: string, name: string): void {
    const claims = this.#claims.get(key);
    claims?.delete(name);
    if (claims?.size === 0) this.#claims.delete(key);
  }

  #soil(key: string, frontend: FlowFrontend, endpoints: ReadonlySet<string>, always = false): void {
    if (!always && endpoints.size === 0) return;
    const dirty = this.#dirty.get(key) ?? { frontend, gone: new Set<string>() };
    for (const endpoint of endpoints) if (dirty.gone.size < maxGone) dirty.gone.add(endpoint);
    this.#dirty.set(key, dirty);
  }
}

function gone(before: ReadonlySet<string>, after: ReadonlySet<string> | undefined): ReadonlySet<string> {
  return after === undefined ? before : new Set([...before].filter((endpoint) => !after.has(endpoint)));
}
