/** A mode's rules, and beside them its node ports at loopback, which the relay serves (docs/decisions/101-localhost-node-ports.md). */
import type { RelayFrontend, RelayPort } from "../../kernel/ports.ts";
import type { FrontendCount } from "../../model/service.ts";
import type { FamilyRules, ModeKernel, ModeRuleset } from "../agent/mode.ts";
import type { Conflict } from "../derive/claims.ts";
import type { WantedPort } from "../derive/derive.ts";
import type { ModeOptions } from "../derive/mode_options.ts";
import { nodePortsOf, renderLocalhost } from "../modes/userspace/localhost.ts";
import { Ruleset as RelayRuleset } from "../modes/userspace/plan.ts";
import { withRelayed } from "./relayed_counts.ts";

/** Told once of each node port that cannot be listened at, for as long as that is so. */
export type OnRefused = (frontend: RelayFrontend, error: unknown) => void;

/** @param rules a mode's, which leave loopback alone */
export function localhostRules(rules: FamilyRules, relay: RelayPort, onRefused: OnRefused): FamilyRules {
  const relayed = new RelayRuleset(rules.ruleset.options, renderLocalhost);
  return {
    ruleset: new BothRulesets(rules.ruleset, relayed),
    kernel: new LocalhostKernel(rules.kernel, relayed, relay, onRefused),
  };
}

/** Of what several Services want, either decides alike. */
class BothRulesets implements ModeRuleset {
  readonly #mode: ModeRuleset;
  readonly #relayed: RelayRuleset;

  constructor(mode: ModeRuleset, relayed: RelayRuleset) {
    this.#mode = mode;
    this.#relayed = relayed;
  }

  get options(): ModeOptions {
    return this.#mode.options;
  }

  configure(options: ModeOptions): void {
    this.#mode.configure(options);
  }

  set(service: string, wanted: WantedPort | undefined): void {
    this.#mode.set(service, wanted);
    const nodePorts = nodePortsOf(wanted);
    if (nodePorts || this.#relayed.wanted(service)) this.#relayed.set(service, nodePorts);
  }

  wanted(service: string): WantedPort | undefined {
    return this.#mode.wanted(service);
  }

  rivalsFor(wanted: WantedPort | undefined): readonly string[] {
    return this.#mode.rivalsFor(wanted);
  }

  refusedTo(service: string): readonly Conflict[] {
    return this.#mode.refusedTo(service);
  }
}

class LocalhostKernel implements ModeKernel {
  readonly #mode: ModeKernel;
  readonly #relayed: RelayRuleset;
  readonly #relay: RelayPort;
  readonly #onRefused: OnRefused;
  /** Keys of frontends of which that was told. */
  readonly #refused = new Set<string>();

  constructor(mode: ModeKernel, relayed: RelayRuleset, relay: RelayPort, onRefused: OnRefused) {
    this.#mode = mode;
    this.#relayed = relayed;
    this.#relay = relay;
    this.#onRefused = onRefused;
  }

  adopt(): Promise<boolean> {
    return this.#mode.adopt();
  }

  async sync(): Promise<number> {
    return (await this.#mode.sync()) + (await this.#serve());
  }

  async repair(): Promise<number> {
    return (await this.#mode.repair()) + (await this.#serve());
  }

  async counts(): Promise<readonly FrontendCount[]> {
    return withRelayed(await this.#mode.counts(), await this.#relay.frontendCounts());
  }

  /** @returns frontends that changed */
  async #serve(): Promise<number> {
    const plan = this.#relayed.plan();
    const { set, gone } = plan;
    for (const key of gone) this.#refused.delete(key);
    if (set.length + gone.length === 0) return 0;
    try {
      await this.#relay.update(set, gone);
      for (const { key } of set) this.#refused.delete(key);
      return set.length + gone.length;
    } catch {
      return this.#serveEach(set, gone);
    }
  }

  /** One port that is somebody else's must not keep the others from being served; it is tried again with the next change. */
  async #serveEach(set: readonly RelayFrontend[], gone: readonly string[]): Promise<number> {
    await this.#relay.update([], gone);
    const refused: RelayFrontend[] = [];
    for (const frontend of set) {
      try {
        await this.#relay.update([frontend], []);
        this.#refused.delete(frontend.key);
      } catch (error) {
        refused.push(frontend);
        if (!this.#refused.has(frontend.key)) this.#onRefused(frontend, error);
        this.#refused.add(frontend.key);
      }
    }
    this.#relayed.again({ set: refused, services: [], gone: [] });
    return set.length - refused.length + gone.length;
  }
}
