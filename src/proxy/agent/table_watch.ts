/** Whether somebody else has changed our tables, or may have: they are to be observed and repaired then. */
import type { NftablesPort } from "../../kernel/ports.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { tableName } from "../modes/nftables/table.ts";
import type { RulesWatch, WatchCallbacks } from "./mode.ts";

export interface TableWatchOptions extends WatchCallbacks {
  readonly port: NftablesPort;
  readonly clock: Clock;
}

/** Who changes our tables without end must not make us read them without end. */
const betweenMs = 1000;
const retryMs = 1000;
/** What was just committed may not have been told yet, in ms. */
const tellMs = 200;

export class TableWatch implements RulesWatch {
  readonly #options: TableWatchOptions;
  #watch: { close(): void } | undefined;
  #portId = 0;
  #generation = 0;
  #toldAtMs = -Infinity;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: TableWatchOptions) {
    this.#options = options;
  }

  /** @throws FairleadError where nothing can be watched */
  async start(): Promise<void> {
    const { port } = this.#options;
    const watch = await port.watch((change) => {
      if (change.what === "failed") return this.#again(change.error);
      if (change.what === "overrun") return this.#tell("events of nf_tables were lost");
      this.#generation = change.generation;
      const isOurs = change.tables.some(({ family, name }) => name === tableName && family.startsWith("ip"));
      if (isOurs && change.portId !== this.#portId) this.#tell("somebody else changed our table");
    });
    if (this.#stopped) return watch.close();
    this.#watch = watch;
    this.#portId = await port.portId();
    this.#generation = await port.generation();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#watch?.close();
  }

  /** Whether every change of this machine's rules was seen: then ours are as they were left. */
  async sawEverything(): Promise<boolean> {
    if ((await this.#options.port.generation()) === this.#generation) return true;
    await new Promise<void>((resolve) => this.#options.clock.after(tellMs, resolve));
    return (await this.#options.port.generation()) === this.#generation;
  }

  #tell(why: string): void {
    if (this.#cancel || this.#stopped) return;
    const { clock, onForeign } = this.#options;
    this.#cancel = clock.after(Math.max(0, this.#toldAtMs + betweenMs - clock.now()), () => {
      this.#cancel = undefined;
      this.#toldAtMs = clock.now();
      onForeign(why);
    });
  }

  #again(error: unknown): void {
    if (this.#stopped) return;
    this.#options.onError(error);
    this.#options.clock.after(retryMs, () => {
      this.start().then(
        () => this.#tell("nf_tables was not watched for a while"),
        (next: unknown) => this.#again(next),
      );
    });
  }
}
