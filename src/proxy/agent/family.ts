/** One address family: what its Services want, kept in its rules. */
import type { FrontendCount, IpFamily } from "../../model/service.ts";
import type { WantedPort } from "../derive/derive.ts";
import type { Report } from "../derive/problems.ts";
import type { ModeOptions } from "../derive/mode_options.ts";
import type { FamilyRules, ModeKernel, ModeRuleset } from "./mode.ts";
import type { FamilySync, PortChange } from "./observer.ts";

export class FamilyProxy {
  readonly family: IpFamily;
  readonly #ruleset: ModeRuleset;
  readonly #kernel: ModeKernel;
  /** Service → names of its ports, as the ruleset has them; of one port, as most have, that name alone. */
  readonly #ports = new Map<string, string | readonly string[]>();
  #changes: PortChange[] = [];
  /** The table may be anything: it is observed before it is changed. */
  #mustRepair = true;
  /** The table may hold what earlier turns, or an earlier process, have written. */
  #isWhole = true;

  constructor(rules: FamilyRules) {
    this.family = rules.ruleset.options.family;
    this.#ruleset = rules.ruleset;
    this.#kernel = rules.kernel;
  }

  /** Before the first Service comes. */
  async adopt(): Promise<void> {
    this.#isWhole = await this.#kernel.adopt();
  }

  /** Whether the next sync observes the table. */
  get mustRepair(): boolean {
    return this.#mustRepair;
  }

  /** Whether the next sync observes the table, so that every Service must be known to it: what is not would go. */
  get mustKnowAll(): boolean {
    return this.#mustRepair && this.#isWhole;
  }

  configure(options: ModeOptions): void {
    this.#ruleset.configure(options);
  }

  /**
   * Takes the place of what the Service wanted before; undefined: it is gone.
   *
   * @param key "namespace/name"
   * @param after what it wants by its ports' names; none where it is gone
   * @returns keys of other Services that have a frontend now that they had not, or lost one: they are to be told anew
   */
  set(key: string, after: ReadonlyMap<string, WantedPort>, report: Report): readonly string[] {
    const had = this.#ports.get(key);
    // As of every Service of the other family.
    if (had === undefined && after.size === 0) return [];
    const before = namesOf(had).map((name) => this.#ruleset.wanted(name));
    const rivals = this.#rivalsOf(key, before, after.values());
    for (const name of namesOf(had)) if (!after.has(name)) this.#change(name, undefined);
    for (const [name, wanted] of after) this.#change(name, wanted);
    const [first, ...others] = after.keys();
    if (first === undefined) this.#ports.delete(key);
    else this.#ports.set(key, others.length === 0 ? first : [first, ...others]);
    for (const name of after.keys()) this.#reportTaken(name, report);
    if (rivals.size === 0) return none;
    return [...rivals].flatMap(([name, owners]) => (this.#ownersOver(name) === owners ? [] : [serviceOf(name)]));
  }

  /** Of other Services: ports that want what this one wants or wanted, with who has it. */
  #rivalsOf(key: string, ...lists: readonly Iterable<WantedPort | undefined>[]): ReadonlyMap<string, string> {
    const rivals = new Map<string, string>();
    for (const ports of lists) {
      for (const wanted of ports) {
        for (const name of this.#ruleset.rivalsFor(wanted)) {
          if (serviceOf(name) !== key && !rivals.has(name)) rivals.set(name, this.#ownersOver(name));
        }
      }
    }
    return rivals;
  }

  #ownersOver(name: string): string {
    return this.#ruleset
      .refusedTo(name)
      .map(({ owner }) => owner)
      .join();
  }

  /** Upstream serves either, as chance has it; here the first by name has it on every node. */
  #reportTaken(name: string, report: Report): void {
    for (const { frontend, owner } of this.#ruleset.refusedTo(name)) {
      const { address = "node port", port, protocol } = frontend;
      const field = `${address} ${port}/${protocol}`;
      report({
        reason: "FrontendTaken",
        field,
        message: `${field} of ${name} is served for ${owner}, which has it too`,
      });
    }
  }

  #change(name: string, after: WantedPort | undefined): void {
    const before = this.#ruleset.wanted(name);
    this.#ruleset.set(name, after);
    this.#changes.push({ name, before, after });
  }

  repairNext(): void {
    this.#mustRepair = true;
  }

  /** @throws FairleadError: nothing is lost, the next call observes and tries again */
  async sync(): Promise<FamilySync> {
    const startedMs = performance.now();
    const { nodePortAddresses } = this.#ruleset.options;
    const repaired = this.#mustRepair;
    // What is asked for from now on is asked of the next.
    this.#mustRepair = false;
    const changes = this.#changes;
    this.#changes = [];
    const steps = await this.#write(repaired).catch((error: unknown) => {
      this.#changes = [...changes, ...this.#changes];
      throw error;
    });
    this.#isWhole = true;
    const durationMs = performance.now() - startedMs;
    return { family: this.family, changes, steps, repaired, durationMs, nodePortAddresses };
  }

  async #write(repairing: boolean): Promise<number> {
    try {
      return await (repairing ? this.#kernel.repair() : this.#kernel.sync());
    } catch (error) {
      this.#mustRepair = true;
      throw error;
    }
  }

  /** What the kernel has counted of each frontend; none before there is a table. */
  async counts(): Promise<readonly FrontendCount[]> {
    return this.#isWhole ? this.#kernel.counts() : [];
  }
}

const none: readonly string[] = [];

function namesOf(names: string | readonly string[] | undefined): readonly string[] {
  return names === undefined ? none : typeof names === "string" ? [names] : names;
}

/** "namespace/name" of "namespace/name:port/TCP", or of "namespace/name/TCP". */
function serviceOf(name: string): string {
  return name.split(/[/:]/, 2).join("/");
}
