/**
 * What should be there: virtual servers, elements of sets, addresses. It knows what changed since the kernel last held what
 * was wanted, so that a plan costs what changed, and which destinations are ending. Pure: no I/O, no clock.
 */
import type { IpAddress } from "../../../model/address.ts";
import { Claims, frontendKey, type Conflict } from "../../derive/claims.ts";
import type { WantedPort } from "../../derive/derive.ts";
import type { ModeOptions } from "../../derive/mode_options.ts";
import type { Frontend } from "../../derive/frontends.ts";
import { affectedBy } from "./affected.ts";
import { Ending } from "./ending.ts";
import { Held, type Change } from "./held.ts";
import type { FixedOptions, IpvsOptions } from "./options.ts";
import { nothing, renderPort, type RenderedPort, type VirtualServer } from "./render.ts";
import type { Member } from "./sets.ts";

/** What changed since the kernel last held what was wanted. */
export interface RulesetChanges {
  readonly servers: readonly Change<VirtualServer>[];
  readonly members: readonly Change<Member>[];
  readonly addresses: readonly Change<IpAddress>[];
  /** What the kernel's rules were made of; undefined: it may hold anything. */
  readonly programmed: IpvsOptions | undefined;
}

export class Ruleset {
  #options: IpvsOptions;
  #programmed: IpvsOptions | undefined;
  /** Service ports that are to be rendered anew, with the options by which they are rendered. */
  readonly #stale = new Map<string, IpvsOptions>();
  readonly #claims = new Claims();
  /** By serviceName. */
  readonly servers = new Held<VirtualServer>();
  /** By memberKey. */
  readonly members = new Held<Member>();
  readonly addresses = new Held<IpAddress>();
  readonly ending = new Ending();

  constructor(options: IpvsOptions) {
    this.#options = options;
  }

  get options(): IpvsOptions {
    return this.#options;
  }

  /**
   * Takes the place of all options but what the configuration has fixed. Service ports that look otherwise by them are
   * rendered by {@link refresh}. @throws TypeError for another family
   */
  configure(options: ModeOptions & Partial<FixedOptions>): void {
    if (options.family !== this.#options.family) throw new TypeError("a ruleset is of one family");
    const before = this.#options;
    this.#options = { ...before, ...options };
    const isAffected = affectedBy(before, this.#options);
    if (!isAffected) return;
    for (const [service, wanted] of this.#claims.services) {
      if (isAffected(wanted) && !this.#stale.has(service)) this.#stale.set(service, before);
    }
  }

  /** Renders what other options than before make look otherwise: bit by bit, and before anything is planned. */
  *refresh(): Generator<void, void, void> {
    for (const service of this.#stale.keys()) {
      this.#remove(service);
      this.#add(service);
      yield;
    }
  }

  /** Takes the place of what the service port wanted before; undefined: it is gone. @param service "ns/name:port/TCP" */
  set(service: string, wanted: WantedPort | undefined): void {
    const before = this.#claims.wanted(service);
    // Who has a frontend now that this one wants or wanted may lose it; who comes behind may get it.
    const names = new Set([service, ...this.#claims.rivalsFor(before), ...this.#claims.rivalsFor(wanted)]);
    for (const name of names) this.#remove(name);
    this.#claims.set(service, wanted);
    for (const name of names) this.#add(name);
  }

  wanted(service: string): WantedPort | undefined {
    return this.#claims.wanted(service);
  }

  rivalsFor(wanted: WantedPort | undefined): readonly string[] {
    return this.#claims.rivalsFor(wanted);
  }

  refusedTo(service: string): readonly Conflict[] {
    return this.#claims.refusedTo(service);
  }

  /** Every frontend, with the service port that has it. */
  *frontends(): Iterable<Frontend> {
    for (const { frontend } of this.#claims.frontends()) yield frontend;
  }

  /** Whether nothing that is wanted of servers and addresses waits for {@link takeChanges}. */
  get isClean(): boolean {
    return this.#stale.size === 0 && this.servers.isClean && this.addresses.isClean;
  }

  /** What is wanted now is on its way to the kernel, or there: from here on what changes is another change. */
  takeChanges(): RulesetChanges {
    const programmed = this.#programmed;
    this.#programmed = this.#options;
    return {
      servers: this.servers.takeChanges(),
      members: this.members.takeChanges(),
      addresses: this.addresses.takeChanges(),
      programmed,
    };
  }

  #rendered(service: string, options: IpvsOptions): RenderedPort {
    const wanted = this.#claims.wanted(service);
    if (wanted === undefined) return nothing;
    const owned = wanted.frontends.filter(
      (frontend) => this.#claims.owner(frontendKey(frontend))?.frontend === frontend,
    );
    return owned.length === 0 ? nothing : renderPort(owned, wanted, options);
  }

  /** Rendered again it is the same, so nobody has to keep what was rendered. */
  #remove(service: string): void {
    const { servers, members, addresses } = this.#rendered(service, this.#stale.get(service) ?? this.#options);
    this.#stale.delete(service);
    for (const [key, server] of servers) this.servers.remove(key, ownerOf(service, server));
    for (const key of members.keys()) this.members.remove(key, service);
    for (const address of addresses) this.addresses.remove(address, service);
  }

  #add(service: string): void {
    const { servers, members, addresses } = this.#rendered(service, this.#options);
    for (const [key, server] of servers) this.servers.add(key, ownerOf(service, server), server);
    for (const [key, member] of members) this.members.add(key, service, member);
    for (const address of addresses) this.addresses.add(address, service, address);
  }
}

/** A frontend with an address of its own comes before a node port at that address. */
function ownerOf(service: string, { isNodePort }: VirtualServer): string {
  return `${isNodePort ? 1 : 0} ${service}`;
}
