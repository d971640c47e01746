/** Keeps the tables of pods' sources as attachments want them. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { NftablesPort } from "../../kernel/ports.ts";
import type { IpAddress } from "../../model/address.ts";
import {
  elementSteps,
  planSources,
  planTunnelEnds,
  sourceTable,
  type SourceElement,
  type SourceFamily,
  type Tunnels,
} from "./sources.ts";

/** How often the table is observed and planned anew in one call, when others change it meanwhile. */
const repairAttempts = 3;

interface Change {
  readonly step: "add elements" | "delete elements";
  readonly elements: readonly SourceElement[];
}

export class SourceGuard {
  readonly #port: NftablesPort;
  readonly #family: SourceFamily;
  readonly #wanted: () => readonly SourceElement[];
  #pending: Change[] = [];
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  #tunnels: Tunnels | undefined;
  /** Those that the table has, as text; undefined: not known. */
  #endsThere: string | undefined;

  /**
   * @param wanted everything that the table should hold: of all attachments that are noted
   * @param tunnelPort of VXLAN; undefined: there are no tunnels
   */
  constructor(port: NftablesPort, family: SourceFamily, wanted: () => readonly SourceElement[], tunnelPort?: number) {
    this.#tunnels = tunnelPort === undefined ? undefined : { port: tunnelPort };
    this.#port = port;
    this.#family = family;
    this.#wanted = wanted;
  }

  /** Lets a pod send. Its attachment has been noted. */
  admit(elements: readonly SourceElement[]): Promise<void> {
    return this.#change({ step: "add elements", elements });
  }

  /** Takes that back. Its attachment may still be noted. */
  refuse(elements: readonly SourceElement[]): Promise<void> {
    return this.#change({ step: "delete elements", elements });
  }

  /** Observes the table and corrects what is not as it should be. @param without what is noted, but about to go */
  async repair(without: readonly SourceElement[] = []): Promise<void> {
    const gone = new Set(without.map(({ set, key }) => `${set} ${key}`));
    for (let attempt = 1; ; attempt++) {
      const observed = await this.#port.list(sourceTable(this.#family));
      const wanted = this.#wanted().filter(({ set, key }) => !gone.has(`${set} ${key}`));
      // A table that nobody needs yet is not made.
      if (!observed && wanted.length === 0 && !this.#tunnels?.ends) return;
      const steps = planSources(this.#family, observed, wanted, this.#tunnels);
      try {
        if (steps.length > 0) await this.#port.transact(steps);
        return;
      } catch (error) {
        if (!(error instanceof FairleadError) || attempt === repairAttempts) throw error;
      }
    }
  }

  /** Where this node's tunnels end from now on. */
  async setTunnelEnds(ends: readonly IpAddress[]): Promise<void> {
    const text = ends.join(" ");
    if (!this.#tunnels || this.#endsThere === text) return;
    this.#endsThere = undefined;
    this.#tunnels = { ...this.#tunnels, ends };
    await this.#writeTunnelEnds(ends);
    this.#endsThere = text;
  }

  async #writeTunnelEnds(ends: readonly IpAddress[]): Promise<void> {
    const observed = await this.#port.list(sourceTable(this.#family));
    if (!observed) return this.repair();
    const { gone, come } = planTunnelEnds(observed, ends);
    if (gone.length > 0) await this.#change({ step: "delete elements", elements: gone });
    if (come.length > 0) await this.#change({ step: "add elements", elements: come });
  }

  async remove(): Promise<void> {
    const table = sourceTable(this.#family);
    if (await this.#port.list(table)) await this.#port.transact([{ step: "delete table", table }]);
  }

  /** Changes that come while another is written go together in the next transaction. */
  #change(change: Change): Promise<void> {
    this.#pending.push(change);
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      const changes = this.#pending;
      this.#pending = [];
      const written = this.#write(changes);
      this.#running = written.catch(() => undefined);
      return written;
    });
    return this.#next;
  }

  async #write(changes: readonly Change[]): Promise<void> {
    const steps = changes.flatMap(({ step, elements }) => elementSteps(this.#family, step, elements));
    try {
      await this.#port.transact(steps);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      // The table is not what it was taken for: not there yet, or changed by somebody else.
      await this.repair(changes.flatMap(({ step, elements }) => (step === "delete elements" ? elements : [])));
    }
  }
}
