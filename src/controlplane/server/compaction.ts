/**
 * Forgets the store's history as upstream does (apiserver, storage/etcd3/compact.go): every five
 * minutes, what was overwritten or deleted five minutes ago or earlier. Of several servers on one
 * store, the one whose write to the shared key succeeds does the round.
 */
import { FairleadError } from "../../errors/catalogue.ts";
import type { Store } from "../store/store.ts";

export const compactionIntervalMs = 5 * 60 * 1000;
/** Outside of every resource's prefix. */
const key = "compact_rev_key";

export class Compactor {
  readonly #store: Store;
  readonly #onError: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  /** Revision of the shared key as this server saw it last; 0 where it is not there. */
  #seen = 0;
  /** The newest revision one interval ago: what is compacted next. Undefined before the first look. */
  #target: number | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(store: Store, onError: (error: unknown) => void, intervalMs = compactionIntervalMs) {
    this.#store = store;
    this.#onError = onError;
    this.#timer = setInterval(() => void this.run(), intervalMs).unref();
    void this.run();
  }

  /** One round; rounds never overlap. */
  run(): Promise<void> {
    this.#round = this.#round.then(() => this.#once()).catch((error: unknown) => this.#onError(error));
    return this.#round;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
  }

  async #once(): Promise<void> {
    const target = this.#target;
    const won = target !== undefined && (await this.#claim(target));
    if (!won) this.#seen = (await this.#store.get(key))?.modRevision ?? 0;
    this.#target = await this.#store.revision();
    if (won) await this.#store.compact(target);
  }

  /** Writes the shared key. @returns whether nobody else did since this server looked at it */
  async #claim(target: number): Promise<boolean> {
    const value = Buffer.from(String(target));
    try {
      this.#seen =
        this.#seen === 0 ? await this.#store.create(key, value) : await this.#store.update(key, value, this.#seen);
      return true;
    } catch (error) {
      if (error instanceof FairleadError && (error.code === "STORE_CONFLICT" || error.code === "STORE_EXISTS")) {
        return false;
      }
      throw error;
    }
  }
}
