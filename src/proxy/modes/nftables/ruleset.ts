/**
 * What the table should hold: Services' frontends come and go, and their elements and chains with them. It
 * keeps which of them changed, so that a plan costs what changed. Pure: no I/O, no clock.
 */
import type { IpAddress } from "../../../model/address.ts";
import { Claims, type Conflict, type ProgrammedFrontend } from "../../derive/claims.ts";
import type { WantedPort } from "../../derive/derive.ts";
import type { Frontend } from "../../derive/frontends.ts";
import { BackendNumbers } from "./backend_numbers.ts";
import { fanOutName, type FanOut } from "./fan_out.ts";
import type { LocalDetector, NftablesOptions } from "./options.ts";
import {
  indexBytes,
  renderFrontend,
  renderHairpin,
  renderNodePortAddress,
  type RenderedElement,
  type RenderedFrontend,
  type Standing,
} from "./render.ts";
import { setNames, setsOf, type Elements } from "./sets.ts";

/** Sets whose elements several frontends or Services have in common: a cluster IP of several ports. */
const sharedSets: ReadonlySet<string> = new Set([setNames.clusterIps, setNames.hairpins]);

export class Ruleset {
  #options: NftablesOptions;
  /** What the kernel's rules were made of. */
  #programmedOptions: NftablesOptions;
  readonly #sets = new Map<string, Map<string, string>>();
  /** Of each set, keys that changed, with their values before; none while the kernel has never held what was wanted. */
  readonly #dirty = new Map<string, Map<string, string | undefined>>();
  #isProgrammed = false;
  readonly #fanOuts = new Map<string, { readonly fanOut: FanOut; users: number }>();
  /** Chains that came or went, and whether the kernel has them. */
  readonly #dirtyFanOuts = new Map<string, boolean>();
  readonly #claims = new Claims();
  /** Of shared sets: elements that more than one want, and how many. */
  readonly #users = new Map<string, Map<string, number>>();
  readonly #numbers = new BackendNumbers();
  /** What a process before this one has left: elements as the kernel has them, none of them in rows. */
  #adopted: ReadonlyMap<string, Elements> = new Map();

  constructor(options: NftablesOptions) {
    this.#options = options;
    this.#programmedOptions = options;
    for (const { name } of setsOf(options.family)) {
      this.#sets.set(name, new Map());
      this.#dirty.set(name, new Map());
    }
    this.setNodePortAddresses(options.nodePortAddresses);
  }

  get options(): NftablesOptions {
    return this.#options;
  }

  /** Takes the place of all options; of Services, who must be derived anew, it changes nothing. @throws TypeError for another family */
  configure(options: NftablesOptions): void {
    if (options.family !== this.#options.family) throw new TypeError("a ruleset is of one family");
    this.#options = options;
    this.setNodePortAddresses(options.nodePortAddresses);
  }

  setServiceCidrs(serviceCidrs: readonly string[]): void {
    this.configure({ ...this.#options, serviceCidrs });
  }

  setLocalDetector(local: LocalDetector): void {
    this.configure({ ...this.#options, local });
  }

  /** Takes the place of the addresses that serve node ports. */
  setNodePortAddresses(addresses: readonly IpAddress[]): void {
    this.#options = { ...this.#options, nodePortAddresses: addresses };
    const wanted = addresses.map(renderNodePortAddress);
    const kept = new Set(wanted.map(({ key }) => key));
    const set = setNames.nodePortAddresses;
    for (const key of [...this.#sets.get(set)!.keys()]) if (!kept.has(key)) this.#delete(set, key);
    for (const element of wanted) this.#write(element);
  }

  /** All sets with their elements, those with indexes as rows. */
  get sets(): ReadonlyMap<string, Elements> {
    return this.#sets;
  }

  /** All fan-out chains by their names. */
  fanOuts(): readonly FanOut[] {
    return [...this.#fanOuts.values()].map(({ fanOut }) => fanOut);
  }

  /** @returns undefined for a chain that nobody goes to any more */
  fanOut(name: string): FanOut | undefined {
    return this.#fanOuts.get(name)?.fanOut;
  }

  /** What changed since the last call of {@link clean}: to be looked at before anything else changes. */
  get changes(): {
    /** Set → key → what the kernel has there. */
    readonly elements: ReadonlyMap<string, Iterable<readonly [string, string | undefined]>>;
    /** Names of chains → whether the kernel has them. */
    readonly fanOuts: ReadonlyMap<string, boolean>;
    /** What rules were made of that are now made of {@link options}. */
    readonly options: NftablesOptions;
  } {
    return {
      elements: this.#isProgrammed ? this.#dirty : allNew(this.#sets),
      fanOuts: this.#dirtyFanOuts,
      options: this.#programmedOptions,
    };
  }

  /** What is wanted now is on its way to the kernel, or there: from here on what changes is another change. */
  clean(): void {
    this.#isProgrammed = true;
    // Who stood where is known from here on.
    this.#adopted = new Map();
    for (const keys of this.#dirty.values()) keys.clear();
    this.#dirtyFanOuts.clear();
    this.#programmedOptions = this.#options;
  }

  /** Takes the place of what the service port wanted before; undefined: it is gone. @param service its name */
  set(service: string, wanted: WantedPort | undefined): void {
    const before = this.#claims.wanted(service);
    // Keys of frontends, with who had them before.
    for (const [key, had] of this.#claims.set(service, wanted)) this.#render(key, had);
    for (const ip of wanted?.localBackends ?? []) this.#put(renderHairpin(ip));
    for (const ip of before?.localBackends ?? []) this.#drop(renderHairpin(ip));
  }

  /** What the service port wants, as {@link set} was told. */
  wanted(service: string): WantedPort | undefined {
    return this.#claims.wanted(service);
  }

  /** All frontends, each with the service port that has it. */
  frontends(): Iterable<ProgrammedFrontend> {
    return this.#claims.frontends();
  }

  /** Frontends that several Services want, with those that do not get them. Looks at every frontend. */
  conflicts(): readonly Conflict[] {
    return this.#claims.conflicts();
  }

  /** Frontends of a service port that another has. @param service as {@link set} was told */
  refusedTo(service: string): readonly Conflict[] {
    return this.#claims.refusedTo(service);
  }

  /** Service ports that want a frontend too, of those that one wants; seldom any. @param wanted as {@link set} takes it */
  rivalsFor(wanted: WantedPort | undefined): readonly string[] {
    return this.#claims.rivalsFor(wanted);
  }

  /** Takes over how the kernel has backends arranged and numbered, before anything is wanted. */
  adopt(observed: ReadonlyMap<string, Elements>): void {
    this.#adopted = observed;
    this.#numbers.adopt(observed);
  }

  #render(key: string, had: Frontend | undefined): void {
    const frontend = this.#claims.owner(key)?.frontend;
    const before = had ? renderFrontend(had, key, this.#standing) : undefined;
    const after = frontend ? renderFrontend(frontend, key, this.#standing) : undefined;
    for (const fanOut of after?.fanOuts ?? []) this.#use(fanOut);
    for (const element of after?.elements ?? []) this.#put(element);
    if (before) this.#dropAll(before, after);
  }

  #dropAll(before: RenderedFrontend, after: RenderedFrontend | undefined): void {
    const kept = new Set(after?.elements.map(({ set, key }) => set + key));
    for (const element of before.elements) this.#drop(element, kept);
    for (const fanOut of before.fanOuts) this.#leave(fanOut);
    for (const { set, key: number } of before.elements) {
      if (set === setNames.numbered && !this.#sets.get(set)!.has(number)) this.#numbers.release(number);
    }
  }

  readonly #standing: Standing = {
    // What the kernel has comes first: another Service may have been here for as long as the owner was not known.
    row: (set, key) => {
      const adopted = this.#adopted.get(set);
      if (!adopted?.has(key + indexBytes(0))) return this.#sets.get(set)!.get(key) ?? "";
      const places: string[] = [];
      for (let i = 0; ; i++) {
        const value = adopted.get(key + indexBytes(i));
        if (value === undefined) return places.join("");
        places.push(value);
      }
    },
    numberOf: (frontend, scope, backend) => this.#numbers.of(`${scope} ${frontend}`, backend),
  };

  #put(element: RenderedElement): void {
    const { set, key } = element;
    if (sharedSets.has(set) && this.#sets.get(set)!.has(key)) this.#count(set, key, 1);
    this.#write(element);
  }

  /** @param kept set and key of elements that somebody has put again */
  #drop({ set, key }: RenderedElement, kept?: ReadonlySet<string>): void {
    if (!sharedSets.has(set)) {
      if (!kept?.has(set + key)) this.#delete(set, key);
    } else if (this.#count(set, key, -1) === 0) this.#delete(set, key);
  }

  /** @returns how many want the element now */
  #count(set: string, key: string, change: number): number {
    const users = this.#users.get(set) ?? new Map<string, number>();
    this.#users.set(set, users);
    const count = (users.get(key) ?? 1) + change;
    if (count > 1) users.set(key, count);
    else users.delete(key);
    return count;
  }

  #write({ set, key, value }: RenderedElement): void {
    const elements = this.#sets.get(set)!;
    const before = elements.get(key);
    if (before === value) return;
    elements.set(key, value);
    this.#changed(set, key, before);
  }

  #delete(set: string, key: string): void {
    const elements = this.#sets.get(set)!;
    const before = elements.get(key);
    if (elements.delete(key)) this.#changed(set, key, before);
  }

  #changed(set: string, key: string, before: string | undefined): void {
    if (!this.#isProgrammed) return;
    const dirty = this.#dirty.get(set)!;
    if (!dirty.has(key)) dirty.set(key, before);
  }

  #use(fanOut: FanOut): void {
    const name = fanOutName(fanOut);
    const used = this.#fanOuts.get(name);
    if (used) used.users++;
    else {
      this.#fanOuts.set(name, { fanOut, users: 1 });
      if (!this.#dirtyFanOuts.has(name)) this.#dirtyFanOuts.set(name, false);
    }
  }

  #leave(fanOut: FanOut): void {
    const name = fanOutName(fanOut);
    const used = this.#fanOuts.get(name)!;
    if (--used.users > 0) return;
    this.#fanOuts.delete(name);
    if (!this.#dirtyFanOuts.has(name)) this.#dirtyFanOuts.set(name, true);
  }
}

function allNew(sets: ReadonlyMap<string, Elements>): ReadonlyMap<string, Iterable<readonly [string, undefined]>> {
  return new Map([...sets].map(([name, elements]) => [name, newKeys(elements)]));
}

function* newKeys(elements: Elements): Iterable<readonly [string, undefined]> {
  for (const key of elements.keys()) yield [key, undefined];
}
