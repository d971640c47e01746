/**
 * The store: keys with values under one ascending revision, as etcd's v3 API has it, so that the
 * embedded store and etcd serve alike. `test/contract/store.ts` says what every store must do.
 *
 * Revisions are counted from 1 by every committed write. A number holds them: 2^53 writes are more
 * than a cluster makes. Values are bytes that nobody changes after handing them over.
 */
import type { FairleadError } from "../../errors/catalogue.ts";

export interface Item {
  readonly key: string;
  readonly value: Buffer;
  /** Revision of the write that created the key. */
  readonly createRevision: number;
  /** Revision of the last write to the key. */
  readonly modRevision: number;
}

export interface RangeOptions {
  /** Keys that start with it, in ascending byte order. */
  readonly prefix: string;
  /** Only keys behind this one: where the page before ended. */
  readonly after?: string;
  /** Most items of the page; default: all. */
  readonly limit?: number;
  /** As it was at this revision; default: now. */
  readonly revision?: number;
  /** false: nobody asks how many remain, only whether any do. */
  readonly counted?: boolean;
}

export interface RangeResult {
  readonly items: readonly Item[];
  /** Revision that the answer is of. */
  readonly revision: number;
  /** Keys of the prefix behind the last item; where they were not to be counted, 1 may stand for all of them. */
  readonly remaining: number;
}

/** What a leader's writes carry (fence.ts). */
export interface Fence {
  readonly key: string;
  readonly value: Buffer;
  /** Whether this process may still think that it leads; false before somebody else can lead. */
  isHeld(): boolean;
}

export interface WriteOptions {
  /** The key goes away by itself this many seconds later, some seconds late at the most. */
  readonly ttlSeconds?: number;
  /** Nothing is written where it is down: STORE_FENCED. */
  readonly fence?: Fence | undefined;
}

export type StoreEvent =
  | { readonly type: "put"; readonly item: Item }
  | { readonly type: "delete"; readonly key: string; readonly revision: number };

export interface WatchObserver {
  /**
   * Events in the order of their revisions, those of one revision never split; afterwards everything
   * up to `revision` has been seen. A call without events is progress alone.
   */
  onEvents(events: readonly StoreEvent[], revision: number): void;
  /** The watch has ended by itself: STORE_COMPACTED, STORE_UNAVAILABLE. Nothing is called after this. */
  onEnd(error: FairleadError): void;
}

export interface StoreWatch {
  /** Asks for a call of onEvents, with the newest revision, even where there is no event. */
  requestProgress(): void;
  /** Idempotent; nothing is called afterwards. */
  close(): void;
}

export interface Store {
  /** The item, or undefined. Sees every write acknowledged before the call. */
  get(key: string): Promise<Item | undefined>;
  /**
   * @throws FairleadError STORE_COMPACTED when the revision is gone, STORE_FUTURE_REVISION when it is yet to come
   */
  range(options: RangeOptions): Promise<RangeResult>;
  /** The newest revision. */
  revision(): Promise<number>;
  /**
   * The revision up to which every watch of this store has been called, where nothing newer can have
   * been acknowledged to anybody; undefined where other processes write too.
   */
  delivered(): number | undefined;
  /**
   * Each write is durable when its promise resolves, with its revision.
   *
   * @throws FairleadError STORE_EXISTS
   */
  create(key: string, value: Buffer, options?: WriteOptions): Promise<number>;
  /** @throws FairleadError STORE_CONFLICT when the key's modRevision is another, or the key is gone */
  update(key: string, value: Buffer, expectedRevision: number, options?: WriteOptions): Promise<number>;
  /** @throws FairleadError STORE_CONFLICT when the key's modRevision is another, or the key is gone */
  delete(key: string, expectedRevision: number, options?: Pick<WriteOptions, "fence">): Promise<number>;
  /**
   * Every event of the prefix behind `afterRevision`, then new ones as they are committed.
   * A compacted `afterRevision` ends the watch with STORE_COMPACTED.
   */
  watch(prefix: string, afterRevision: number, observer: WatchObserver): StoreWatch;
  /** Forgets history up to `revision`: what was overwritten or deleted by then cannot be read or watched any more. */
  compact(revision: number): Promise<void>;
  /** Ends every watch silently, finishes what was sent, closes files and connections. Idempotent. */
  close(): Promise<void>;
}

/** The smallest key that is greater than every key with this prefix (etcd's range_end), by bytes. */
export function prefixEnd(prefix: string): Buffer {
  const bytes = Buffer.from(prefix);
  for (let last = bytes.length - 1; last >= 0; last--) {
    if (bytes[last] === 0xff) continue;
    const end = Buffer.from(bytes.subarray(0, last + 1));
    end[last] = bytes[last]! + 1;
    return end;
  }
  return Buffer.of(0);
}
