/**
 * What the relay should hold, and what of it changed: frontends of Services come and go, and a plan costs what changed.
 * Pure: no I/O, no clock.
 */
import type { RelayFrontend } from "../../../kernel/ports.ts";
import { Claims, type Conflict } from "../../derive/claims.ts";
import type { WantedPort } from "../../derive/derive.ts";
import type { Frontend } from "../../derive/frontends.ts";
import type { ModeOptions } from "../../derive/mode_options.ts";
import { renderRelayed } from "./render.ts";

export interface RelayPlan {
  /** First, so that whoever is led there is served. */
  readonly set: readonly RelayFrontend[];
  /** Service ports of which the table is to be told. */
  readonly services: readonly string[];
  /** Last: keys of those to whom nobody is led any more. */
  readonly gone: readonly string[];
}

export class Ruleset {
  #options: ModeOptions;
  readonly #renderRelayed: (frontend: Frontend) => readonly RelayFrontend[];
  readonly #claims = new Claims();
  /** What is wanted of the relay, by its keys. */
  readonly #wanted = new Map<string, RelayFrontend>();
  /** Keys that the relay has, or may have. */
  readonly #there = new Set<string>();
  readonly #changed = new Set<string>();
  readonly #changedServices = new Set<string>();

  constructor(options: ModeOptions, render: (frontend: Frontend) => readonly RelayFrontend[] = renderRelayed) {
    this.#options = options;
    this.#renderRelayed = render;
  }

  get options(): ModeOptions {
    return this.#options;
  }

  /** Takes the place of all options, of the same family. */
  configure(options: ModeOptions): void {
    const isElsewhere = options.nodeIp !== this.#options.nodeIp;
    this.#options = options;
    if (isElsewhere) for (const service of this.#claims.services.keys()) this.#changedServices.add(service);
  }

  /** Takes the place of what the service port wanted before; undefined: it is gone. */
  set(service: string, wanted: WantedPort | undefined): void {
    this.#changedServices.add(service);
    for (const [key, had] of this.#claims.set(service, wanted)) this.#render(had, this.#claims.owner(key)?.frontend);
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

  /** All that the relay should hold. */
  get relayed(): readonly RelayFrontend[] {
    return [...this.#wanted.values()];
  }

  /** What changed. It is taken to be carried out from here on. */
  plan(): RelayPlan {
    const [keys, services] = [[...this.#changed], [...this.#changedServices]];
    this.#changed.clear();
    this.#changedServices.clear();
    const set = keys.flatMap((key) => this.#wanted.get(key) ?? []);
    const gone = keys.filter((key) => !this.#wanted.has(key) && this.#there.delete(key));
    for (const { key } of set) this.#there.add(key);
    return { set, services, gone };
  }

  /** It was not carried out, or not all of it. */
  again({ set, services, gone }: RelayPlan): void {
    for (const { key } of set) this.#changed.add(key);
    for (const service of services) this.#changedServices.add(service);
    for (const key of gone) {
      this.#there.add(key);
      this.#changed.add(key);
    }
  }

  #render(before: Frontend | undefined, after: Frontend | undefined): void {
    for (const { key } of before ? this.#renderRelayed(before) : []) {
      this.#wanted.delete(key);
      this.#changed.add(key);
    }
    for (const relayed of after ? this.#renderRelayed(after) : []) {
      this.#wanted.set(relayed.key, relayed);
      this.#changed.add(relayed.key);
    }
  }
}
