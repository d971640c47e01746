/** The store of a control plane on one machine: SQLite behind a worker, writes committed in groups. */
import { FairleadError } from "../../../errors/catalogue.ts";
import type {
  Fence,
  Item,
  RangeOptions,
  RangeResult,
  Store,
  StoreEvent,
  StoreWatch,
  WatchObserver,
  WriteOptions,
} from "../store.ts";
import { fenced } from "../fence.ts";
import type { StoredRow, WriteOp, WriteOutcome } from "./protocol.ts";
import { bufferOf, eventOf, Watchers } from "./watchers.ts";
import { WorkerClient } from "./worker_client.ts";

export interface EmbeddedStoreOptions {
  /** Path of the database file; made where it is not there. Its folder must exist. */
  readonly file: string;
  /** Writes that may wait; one more is refused with STORE_BUSY. Default 10,000. */
  readonly maxPendingWrites?: number;
  /** How often expired keys are looked for, in ms. Default 1,000. */
  readonly expiryIntervalMs?: number;
}

interface PendingWrite {
  readonly op: WriteOp;
  readonly resolve: (revision: number) => void;
  readonly reject: (error: unknown) => void;
}

export class EmbeddedStore implements Store {
  readonly #worker: WorkerClient;
  readonly #watchers: Watchers;
  readonly #maxPending: number;
  readonly #expiryTimer: NodeJS.Timeout;
  #pending: PendingWrite[] = [];
  #flushing = false;
  #newest = 0;
  #closed: Promise<void> | undefined;

  private constructor(options: EmbeddedStoreOptions) {
    this.#worker = new WorkerClient(options.file, (error) => this.#watchers.fail(error));
    this.#watchers = new Watchers(
      (prefix, after, limit, onPage) => this.#worker.ask("history", { prefix, after, limit }, onPage),
      () => this.#newest,
    );
    this.#maxPending = options.maxPendingWrites ?? 10_000;
    this.#expiryTimer = setInterval(() => void this.#expire(), options.expiryIntervalMs ?? 1000).unref();
  }

  /** @throws FairleadError STORE_UNAVAILABLE when the file cannot be opened or another process has it */
  static async open(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
    const store = new EmbeddedStore(options);
    try {
      store.#newest = await store.revision();
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  async get(key: string): Promise<Item | undefined> {
    const { row } = await this.#worker.ask("get", { key });
    return row && itemOf(row);
  }

  async range(options: RangeOptions): Promise<RangeResult> {
    const answer = await this.#worker.ask("range", options);
    if ("refused" in answer) {
      const code = answer.refused === "compacted" ? "STORE_COMPACTED" : "STORE_FUTURE_REVISION";
      throw new FairleadError(code, {
        subject: `${options.prefix} at revision ${options.revision}`,
        reason: `${answer.refused === "compacted" ? "compacted up to" : "the newest is"} ${answer.revision}`,
      });
    }
    return { items: answer.rows.map(itemOf), revision: answer.revision, remaining: answer.remaining };
  }

  async revision(): Promise<number> {
    return (await this.#worker.ask("revision", {})).revision;
  }

  delivered(): number {
    return this.#newest;
  }

  create(key: string, value: Buffer, options?: WriteOptions): Promise<number> {
    return this.#write({ op: "create", key, value, expiresAtMs: expiry(options) }, options?.fence);
  }

  update(key: string, value: Buffer, expectedRevision: number, options?: WriteOptions): Promise<number> {
    const write = { op: "update" as const, key, value, expected: expectedRevision, expiresAtMs: expiry(options) };
    return this.#write(write, options?.fence);
  }

  delete(key: string, expectedRevision: number, options?: Pick<WriteOptions, "fence">): Promise<number> {
    return this.#write({ op: "delete", key, expected: expectedRevision }, options?.fence);
  }

  watch(prefix: string, afterRevision: number, observer: WatchObserver): StoreWatch {
    return this.#watchers.add(prefix, afterRevision, observer);
  }

  async compact(revision: number): Promise<void> {
    await this.#worker.ask("compact", { revision });
  }

  close(): Promise<void> {
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  async #shutDown(): Promise<void> {
    clearInterval(this.#expiryTimer);
    this.#watchers.closeAll();
    // Behind the writes that were sent: the worker answers in order.
    await this.#worker.ask("close", {}).catch(() => undefined);
    await this.#worker.exited();
  }

  #write(unfenced: WriteOp, fence: Fence | undefined): Promise<number> {
    if (fence && !fence.isHeld()) return Promise.reject(fenced(fence));
    // A fence's function cannot go to the worker.
    const op = fence ? { ...unfenced, fence: { key: fence.key, value: fence.value } } : unfenced;
    if (this.#closed) {
      return Promise.reject(new FairleadError("STORE_UNAVAILABLE", { subject: op.key, reason: "the store is closed" }));
    }
    if (this.#pending.length >= this.#maxPending) {
      const reason = `${this.#pending.length} writes are waiting`;
      return Promise.reject(new FairleadError("STORE_BUSY", { subject: op.key, reason }));
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ op, resolve, reject });
      if (!this.#flushing) {
        this.#flushing = true;
        // At the end of this turn: writes made together are committed together.
        setImmediate(() => void this.#flush());
      }
    });
  }

  /** Commits what is waiting; what comes meanwhile is the next group. */
  async #flush(): Promise<void> {
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      await this.#worker
        .ask("write", { ops: group.map(({ op }) => op) }, ({ outcomes }) => this.#committed(group, outcomes))
        .catch((error: unknown) => group.forEach(({ reject }) => reject(error)));
    }
    this.#flushing = false;
  }

  /** Watches hear of a write before its writer does, so that a writer's own watch is never behind it. */
  #committed(group: readonly PendingWrite[], outcomes: readonly WriteOutcome[]): void {
    const events: StoreEvent[] = [];
    outcomes.forEach((outcome, i) => {
      if ("revision" in outcome) events.push(eventOfWrite(group[i]!.op, outcome));
    });
    this.#dispatch(events);
    outcomes.forEach((outcome, i) => settle(group[i]!, outcome));
  }

  #dispatch(events: readonly StoreEvent[]): void {
    const last = events.at(-1);
    if (!last) return;
    this.#newest = last.type === "put" ? last.item.modRevision : last.revision;
    this.#watchers.dispatch(events, this.#newest);
  }

  async #expire(): Promise<void> {
    await this.#worker
      .ask("expire", { nowMs: Date.now() }, ({ rows }) => this.#dispatch(rows.map(eventOf)))
      .catch(() => undefined); // The worker's end has been told to every watch and every writer.
  }
}

function expiry(options: WriteOptions | undefined): number | null {
  return options?.ttlSeconds === undefined ? null : Date.now() + options.ttlSeconds * 1000;
}

function itemOf(row: StoredRow): Item {
  return { ...row, value: bufferOf(row.value) };
}

function eventOfWrite(op: WriteOp, outcome: { revision: number; createRevision: number }): StoreEvent {
  if (op.op === "delete") return { type: "delete", key: op.key, revision: outcome.revision };
  const { revision: modRevision, createRevision } = outcome;
  return { type: "put", item: { key: op.key, value: bufferOf(op.value), createRevision, modRevision } };
}

function settle(write: PendingWrite, outcome: WriteOutcome): void {
  if ("revision" in outcome) return write.resolve(outcome.revision);
  if (outcome.refused === "fenced") return write.reject(fenced(write.op.fence!));
  const code = outcome.refused === "exists" ? "STORE_EXISTS" : "STORE_CONFLICT";
  const reason = outcome.current === 0 ? "the key is not there" : `its revision is ${outcome.current}`;
  write.reject(new FairleadError(code, { subject: write.op.key, reason }));
}
