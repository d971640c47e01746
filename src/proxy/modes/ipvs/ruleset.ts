/**
 * What should be there: virtual servers, elements of sets, addresses. It knows what changed since the kernel last held what
 * was wanted, so that a plan costs what changed, and which destinations are ending. Pure: no I/O, no clock.
 */
import type { IpAddress } from "../../../model/address.ts";
import { Claims, frontendKey, type Conflict } from "../../derive/claims.ts";
import type { WantedPort } from "../../derive/derive.ts";
import type { ModeOptions } from "../../derive/mode_options.ts";
import type { Frontend } from "../../derive/frontends.ts";
import { Ending } from "./ending.ts";
import { Held } from "./held.ts";
import type { FixedOptions, IpvsOptions } from "./options.ts";
import { nothing, renderPort, type RenderedPort, type VirtualServer } from "./render.ts";
import type { Member } from "./sets.ts";

export class Ruleset {
  #options: IpvsOptions;
  /** What the kernel's rules were made of; undefined: it may hold anything. */
  #programmed: IpvsOptions | undefined;
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

  get programmed(): IpvsOptions | undefined {
    return this.#programmed;
  }

  /** Takes the place of all options but what the configuration has fixed. @throws TypeError for another family */
  configure(options: ModeOptions & Partial<FixedOptions>): void {
    if (options.family !== this.#options.family) throw new TypeError("a ruleset is of one family");
    const after = { ...this.#options, ...options };
    if (isRenderedAlike(this.#options, after)) return void (this.#options = after);
    const services = [...this.#claims.services.keys()];
    for (const service of services) this.#remove(service);
    this.#options = after;
    for (const service of services) this.#add(service);
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

  /** What is wanted now is on its way to the kernel, or there. */
  clean(): void {
    this.#programmed = this.#options;
    for (const held of [this.servers, this.members, this.addresses]) held.clean();
  }

  #rendered(service: string): RenderedPort {
    const wanted = this.#claims.wanted(service);
    if (wanted === undefined) return nothing;
    const owned = wanted.frontends.filter(
      (frontend) => this.#claims.owner(frontendKey(frontend))?.frontend === frontend,
    );
    return owned.length === 0 ? nothing : renderPort(owned, wanted, this.#options);
  }

  /** Rendered again it is the same, so nobody has to keep what was rendered. */
  #remove(service: string): void {
    const { servers, members, addresses } = this.#rendered(service);
    for (const [key, server] of servers) this.servers.remove(key, ownerOf(service, server));
    for (const key of members.keys()) this.members.remove(key, service);
    for (const address of addresses) this.addresses.remove(address, service);
  }

  #add(service: string): void {
    const { servers, members, addresses } = this.#rendered(service);
    for (const [key, server] of servers) this.servers.add(key, ownerOf(service, server), server);
    for (const [key, member] of members) this.members.add(key, service, member);
    for (const address of addresses) this.addresses.add(address, service, address);
  }
}

/** A frontend with an address of its own comes before a node port at that address. */
function ownerOf(service: string, { isNodePort }: VirtualServer): string {
  return `${isNodePort ? 1 : 0} ${service}`;
}

/** Whether Services have the same servers, elements and addresses with both. */
function isRenderedAlike(a: IpvsOptions, b: IpvsOptions): boolean {
  const seen = ({ nodePortAddresses, localAddresses, scheduler, lackingSchedulers }: IpvsOptions): string =>
    JSON.stringify([nodePortAddresses, localAddresses ?? [], scheduler, lackingSchedulers]);
  return seen(a) === seen(b);
}
