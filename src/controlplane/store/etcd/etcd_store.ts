/** The store of a control plane on several machines: etcd, through its v3 API. */
import { FairleadError } from "../../../errors/catalogue.ts";
import { checkFence, fenced } from "../fence.ts";
import {
  prefixEnd,
  type Fence,
  type Item,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoreWatch,
  type WatchObserver,
  type WriteOptions,
} from "../store.ts";
import { EtcdClient, type EtcdClientOptions } from "./client.ts";
import { GrpcError, status } from "./grpc.ts";
import type { KeyValue } from "./rpc.ts";
import { EtcdWatch } from "./watch.ts";

export interface EtcdStoreOptions extends EtcdClientOptions {
  /** In front of every key in etcd. Default "/registry". */
  readonly prefix?: string;
}

/** Keys of one page: etcd holds up others while it reads one. */
const pageLimit = 1000;
/** Keys with the same time to live that are written within this share a lease, as leases are dear in etcd. */
const leaseShareMs = 60_000;

export class EtcdStore implements Store {
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #watches = new Set<EtcdWatch>();
  readonly #leases = new Map<number, { readonly id: Promise<number>; readonly untilMs: number }>();

  /** The question that is under way, and the one that waits for its end. */
  #revisionAsked: Promise<unknown> = Promise.resolve();
  #nextRevision: Promise<number> | undefined;

  constructor(options: EtcdStoreOptions) {
    this.#client = new EtcdClient(options);
    this.#prefix = options.prefix ?? "/registry";
  }

  async get(key: string): Promise<Item | undefined> {
    const { kvs } = await this.#client.call("Range", { key: this.#full(key) });
    return kvs[0] && this.#item(kvs[0]);
  }

  async range(options: RangeOptions): Promise<RangeResult> {
    const end = prefixEnd(this.#prefix + options.prefix);
    const items: Item[] = [];
    let from = options.after === undefined ? this.#full(options.prefix) : this.#full(`${options.after}\0`);
    let revision = options.revision;
    for (;;) {
      const limit = Math.min(pageLimit, (options.limit ?? Infinity) - items.length);
      const page = await this.#rangePage({ key: from, range_end: end, limit, revision: revision ?? 0 }, options);
      for (const kv of page.kvs) items.push(this.#item(kv));
      // The first page fixes the revision, so that all pages show one moment.
      revision ??= page.header.revision;
      const remaining = page.count - page.kvs.length;
      if (remaining === 0 || page.kvs.length === 0 || items.length === options.limit)
        return { items, revision, remaining };
      from = Buffer.concat([page.kvs.at(-1)!.key, Buffer.of(0)]);
    }
  }

  async #rangePage(
    request: { key: Buffer; range_end: Buffer; limit: number; revision: number },
    options: RangeOptions,
  ) {
    try {
      return await this.#client.call("Range", request);
    } catch (cause) {
      // OUT_OF_RANGE is both ErrCompacted and ErrFutureRev (etcd api/v3rpc/rpctypes).
      if (!isOutOfRange(cause)) throw cause;
      const code = /compacted/.test(cause.message) ? "STORE_COMPACTED" : "STORE_FUTURE_REVISION";
      throw new FairleadError(code, { subject: `${options.prefix} at revision ${request.revision}`, cause });
    }
  }

  /**
   * Every read of the API asks for it: those that ask while one question is under way share the next
   * one, which is sent after they asked, so that it sees all that was acknowledged by then.
   */
  revision(): Promise<number> {
    this.#nextRevision ??= this.#askRevision();
    return this.#nextRevision;
  }

  async #askRevision(): Promise<number> {
    await this.#revisionAsked;
    this.#nextRevision = undefined;
    const answered = this.#client.call("Range", { key: this.#full("\0"), count_only: true });
    this.#revisionAsked = answered.catch(() => undefined);
    return (await answered).header.revision;
  }

  delivered(): undefined {
    return undefined;
  }

  async create(key: string, value: Buffer, options?: WriteOptions): Promise<number> {
    return this.#putIf(key, 0, value, options);
  }

  async update(key: string, value: Buffer, expectedRevision: number, options?: WriteOptions): Promise<number> {
    return this.#putIf(key, expectedRevision, value, options);
  }

  async delete(key: string, expectedRevision: number, options?: Pick<WriteOptions, "fence">): Promise<number> {
    const write = { request_delete_range: { key: this.#full(key) } };
    return this.#writeIf(key, expectedRevision, write, options?.fence);
  }

  watch(prefix: string, afterRevision: number, observer: WatchObserver): StoreWatch {
    const watch = new EtcdWatch(this.#client, this.#full(prefix), prefixEnd(this.#prefix + prefix), afterRevision, {
      onEvents: (events, revision) => observer.onEvents(events, revision),
      onEnd: (error) => {
        this.#watches.delete(watch);
        observer.onEnd(error);
      },
      item: (kv) => this.#item(kv),
    });
    this.#watches.add(watch);
    return {
      requestProgress: () => watch.requestProgress(),
      close: () => {
        this.#watches.delete(watch);
        watch.close();
      },
    };
  }

  async compact(revision: number): Promise<void> {
    try {
      await this.#client.call("Compact", { revision });
    } catch (error) {
      // Another server was first.
      if (!isOutOfRange(error)) throw error;
    }
  }

  close(): Promise<void> {
    for (const watch of this.#watches) watch.close();
    this.#watches.clear();
    this.#client.close();
    return Promise.resolve();
  }

  async #putIf(key: string, expected: number, value: Buffer, options?: WriteOptions): Promise<number> {
    const lease = options?.ttlSeconds === undefined ? 0 : await this.#lease(options.ttlSeconds);
    const write = { request_put: { key: this.#full(key), value, lease } };
    return this.#writeIf(key, expected, write, options?.fence);
  }

  /** Writes when the key's modRevision is `expected`, where 0 is a key that is not there, and the fence is up. */
  async #writeIf(key: string, expected: number, write: object, fence: Fence | undefined): Promise<number> {
    checkFence(fence);
    const full = this.#full(key);
    const fenceKey = fence && this.#full(fence.key);
    const answer = await this.#client.call("Txn", {
      compare: [
        { result: "EQUAL", target: "MOD", key: full, mod_revision: expected },
        ...(fence ? [{ result: "EQUAL", target: "VALUE", key: fenceKey, value: fence.value }] : []),
      ],
      success: [write],
      failure: [{ request_range: { key: full } }, ...(fence ? [{ request_range: { key: fenceKey } }] : [])],
    });
    if (answer.succeeded) return answer.header.revision;
    if (fence && answer.responses[1]?.response_range?.kvs[0]?.value.equals(fence.value) !== true) throw fenced(fence);
    const current = answer.responses[0]?.response_range?.kvs[0]?.mod_revision;
    const reason = current === undefined ? "the key is not there" : `its revision is ${current}`;
    throw new FairleadError(expected === 0 ? "STORE_EXISTS" : "STORE_CONFLICT", { subject: key, reason });
  }

  #lease(ttlSeconds: number): Promise<number> {
    const now = Date.now();
    const shared = this.#leases.get(ttlSeconds);
    if (shared && now < shared.untilMs) return shared.id;
    const id = this.#grant(ttlSeconds + leaseShareMs / 1000);
    this.#leases.set(ttlSeconds, { id, untilMs: now + leaseShareMs });
    id.catch(() => this.#leases.delete(ttlSeconds));
    return id;
  }

  async #grant(ttlSeconds: number): Promise<number> {
    // An id of our own below 2^53: etcd's are not, and a JavaScript number would round them.
    const ID = 1 + Math.floor(Math.random() * (Number.MAX_SAFE_INTEGER - 1));
    await this.#client.call("LeaseGrant", { TTL: ttlSeconds, ID });
    return ID;
  }

  #full(key: string): Buffer {
    return Buffer.from(this.#prefix + key);
  }

  #item(kv: KeyValue): Item {
    return {
      key: kv.key.toString("utf8", Buffer.byteLength(this.#prefix)),
      value: kv.value,
      createRevision: kv.create_revision,
      modRevision: kv.mod_revision,
    };
  }
}

function isOutOfRange(error: unknown): error is GrpcError {
  return error instanceof GrpcError && error.code === status.outOfRange;
}
