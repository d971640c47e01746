/**
 * What the rules should be: Services' frontends come and go, and their chains with them. It keeps which service ports
 * changed and what the kernel has of those, so that a plan costs what changed. Pure: no I/O, no clock.
 */
import { Claims, frontendKey, type Conflict } from "../../derive/claims.ts";
import type { WantedPort } from "../../derive/derive.ts";
import type { Frontend } from "../../derive/frontends.ts";
import type { ModeOptions } from "../../derive/mode_options.ts";
import type { IptablesOptions } from "./options.ts";
import { renderPort, type RenderedPort, type Rendering } from "./render.ts";

/** Endpoints of all Services from which on their rules have no comments (upstream: largeClusterEndpointsThreshold). */
export const largeClusterEndpoints = 1000;

/** What the kernel's rules were made of. */
export interface Programmed {
  readonly options: IptablesOptions;
  readonly isLarge: boolean;
}

const nothing: RenderedPort = { chains: new Map(), shared: [] };

export class Ruleset {
  #options: IptablesOptions;
  #endpoints = 0;
  readonly #claims = new Claims();
  /** Undefined: the kernel may hold anything. */
  #programmed: Programmed | undefined;
  /** Of service ports that changed: what the kernel has of them. */
  #dirty = new Map<string, RenderedPort>();

  constructor(options: IptablesOptions) {
    this.#options = options;
  }

  get options(): IptablesOptions {
    return this.#options;
  }

  get claims(): Claims {
    return this.#claims;
  }

  get isLarge(): boolean {
    return this.#endpoints > largeClusterEndpoints;
  }

  get programmed(): Programmed | undefined {
    return this.#programmed;
  }

  /** Takes the place of all options; what of this mode's own is not named stays. @throws TypeError for another family */
  configure(options: ModeOptions & Partial<IptablesOptions>): void {
    if (options.family !== this.#options.family) throw new TypeError("a ruleset is of one family");
    this.#options = { ...this.#options, ...options };
  }

  /** Takes the place of what the service port wanted before; undefined: it is gone. @param service "ns/name:port/TCP" */
  set(service: string, wanted: WantedPort | undefined): void {
    this.#touch(service, wanted);
    this.#endpoints += endpointsOf(wanted) - endpointsOf(this.#claims.wanted(service));
    this.#claims.set(service, wanted);
  }

  /** Who has a frontend now that this one wants or wanted may lose it; who comes behind may get it. */
  #touch(service: string, wanted: WantedPort | undefined): void {
    const programmed = this.#programmed;
    if (!programmed) return;
    const before = this.#claims.wanted(service);
    const rivals = [...this.#claims.rivalsFor(before), ...this.#claims.rivalsFor(wanted)];
    for (const name of new Set([service, ...rivals])) {
      if (!this.#dirty.has(name)) this.#dirty.set(name, this.#render(name, renderingOf(programmed)));
    }
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

  /** A service port as it should be. */
  rendered(service: string): RenderedPort {
    return this.#render(service, renderingOf({ options: this.#options, isLarge: this.isLarge }));
  }

  /** The frontends that a service port has, of those that it wants. */
  frontendsOf(service: string): readonly Frontend[] {
    const wanted = this.#claims.wanted(service)?.frontends ?? [];
    return wanted.filter((frontend) => this.#claims.owner(frontendKey(frontend))?.frontend === frontend);
  }

  #render(service: string, rendering: Rendering): RenderedPort {
    const frontends = this.frontendsOf(service);
    const healthCheck = this.#claims.wanted(service)?.healthCheckNodePort;
    return frontends.length === 0 ? nothing : renderPort(frontends, rendering, healthCheck);
  }

  /** Service ports whose rules may be others than the kernel's, with those: looked at before anything else changes. */
  *changes(): Iterable<readonly [string, RenderedPort]> {
    const programmed = this.#programmed;
    if (!programmed) throw new TypeError("nobody knows what the kernel holds");
    yield* this.#dirty;
    const before = renderingOf(programmed);
    if (before.isLarge === this.isLarge && isSameLocal(before, this.#options)) return;
    for (const service of this.#claims.services.keys()) {
      if (!this.#dirty.has(service)) yield [service, this.#render(service, before)];
    }
  }

  /** What is wanted now is on its way to the kernel, or there. */
  clean(): void {
    this.#programmed = { options: this.#options, isLarge: this.isLarge };
    this.#dirty = new Map();
  }
}

function renderingOf({ options: { family, local }, isLarge }: Programmed): Rendering {
  return { family, local, isLarge };
}

function isSameLocal(before: Rendering, { local }: IptablesOptions): boolean {
  return JSON.stringify(before.local) === JSON.stringify(local);
}

function endpointsOf(wanted: WantedPort | undefined): number {
  return Math.max(0, ...(wanted?.frontends ?? []).map(({ target }) => backendsOf(target)));
}

function backendsOf(target: Frontend["target"]): number {
  if (target.action === "balance") return target.backends.length;
  return target.action === "balance local" ? Math.max(target.inside.length, target.local.length) : 0;
}
