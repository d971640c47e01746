/** Keeps the tables that masquerade as they should be, whoever changes them. */
import type { NftablesPort, NftChange } from "../../kernel/ports.ts";
import type { IpFamily } from "../../model/service.ts";
import { systemClock, type Clock } from "../../reconcile/clock.ts";
import { WorkQueue } from "../../reconcile/work_queue.ts";
import type { Masquerade } from "./derive.ts";
import { planMasquerade } from "./plan.ts";
import { renderMasquerade, tableName, tableOf } from "./render.ts";

export interface MasqueradeSettings {
  readonly nftables: NftablesPort;
  readonly onError: (error: unknown) => void;
  /** Told when a family's table is as it was last wanted. */
  readonly onDone?: () => void;
  readonly clock?: Clock;
}

const families: readonly IpFamily[] = ["IPv4", "IPv6"];
/** Changes by others are gathered for as long, in ms. */
const gatherMs = 50;
const resyncMs = 300_000;
const backoff = { firstMs: 100, maxMs: 30_000 };

export class MasqueradeTables {
  readonly #settings: MasqueradeSettings;
  readonly #queue: WorkQueue;
  readonly #wanted = new Map<IpFamily, Masquerade | undefined>();
  #watch: { close(): void } | undefined;
  #stopped = false;
  /** Families whose table was seen to be right since it was last wanted otherwise. */
  readonly #right = new Set<IpFamily>();
  readonly #once = new Set<IpFamily>();

  constructor(settings: MasqueradeSettings) {
    this.#settings = settings;
    this.#queue = new WorkQueue({
      reconcile: (family) => this.#sync(family as IpFamily),
      workers: 1,
      backoff,
      onError: (_, error) => settings.onError(error),
      clock: settings.clock ?? systemClock,
    });
    this.#queue.start();
  }

  /** @param masquerade undefined: nothing is masqueraded */
  set(family: IpFamily, masquerade: Masquerade | undefined): void {
    if (this.#wanted.has(family) && textOf(this.#wanted.get(family)) === textOf(masquerade)) return;
    this.#wanted.set(family, masquerade);
    this.#right.delete(family);
    this.#queue.add(family);
  }

  /** Whether what was last asked for has been done. */
  get isDone(): boolean {
    return [...this.#wanted.keys()].every((family) => this.#right.has(family));
  }

  /** Whether each family's table has been right once: other ranges are a matter of moments. */
  get wasDone(): boolean {
    return this.#wanted.size > 0 && [...this.#wanted.keys()].every((family) => this.#once.has(family));
  }

  /** Ends; everything stays as it is. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watch?.close();
    await this.#queue.stop();
  }

  async #sync(family: IpFamily): Promise<{ readonly againAfterMs: number }> {
    const { nftables } = this.#settings;
    this.#watch ??= await nftables.watch((change) => this.#onChange(change));
    if (this.#stopped) this.#watch.close();
    const table = tableOf(family);
    const wanted = this.#wanted.get(family);
    const steps = planMasquerade(table, await nftables.list(table), wanted && renderMasquerade(wanted));
    if (steps.length > 0) await nftables.transact(steps);
    if (this.#wanted.get(family) === wanted) {
      this.#right.add(family);
      this.#once.add(family);
      this.#settings.onDone?.();
    }
    return { againAfterMs: resyncMs };
  }

  #onChange(change: NftChange): void {
    if (change.what === "failed") {
      this.#watch?.close();
      this.#watch = undefined;
    }
    for (const family of families) {
      const ref = tableOf(family);
      const touched =
        change.what !== "changed" || change.tables.some((one) => one.name === tableName && one.family === ref.family);
      if (touched && this.#wanted.has(family)) this.#queue.addAfter(family, gatherMs);
    }
  }
}

function textOf(masquerade: Masquerade | undefined): string {
  return JSON.stringify(masquerade, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

/** Leaves no table behind. */
export async function removeMasquerade(nftables: NftablesPort): Promise<void> {
  for (const family of families) {
    const table = tableOf(family);
    const steps = planMasquerade(table, await nftables.list(table), undefined);
    if (steps.length > 0) await nftables.transact(steps);
  }
}
