/** One watch on etcd: a stream that is opened again at the last revision seen when it breaks. */
import { FairleadError } from "../../../errors/catalogue.ts";
import type { Item, StoreEvent } from "../store.ts";
import { isUnavailable, unavailable, type EtcdClient, type WatchStream } from "./client.ts";
import type { KeyValue, WatchResponse } from "./rpc.ts";

export interface EtcdWatchObserver {
  onEvents(events: readonly StoreEvent[], revision: number): void;
  onEnd(error: FairleadError): void;
  item(kv: KeyValue): Item;
}

/**
 * Waits between attempts to open the stream again, in ms; past the last one the watch ends. None is as long as readers wait
 * for events, who are refused as long as etcd answers again and the stream is not open.
 */
const retryDelaysMs = [0, 100, 200, 400, 800, 800, 800, 800, 800, 800, 800];

export class EtcdWatch {
  readonly #client: EtcdClient;
  readonly #key: Buffer;
  readonly #end: Buffer;
  readonly #observer: EtcdWatchObserver;
  #position: number;
  #stream: WatchStream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #open = true;

  constructor(client: EtcdClient, key: Buffer, end: Buffer, after: number, observer: EtcdWatchObserver) {
    this.#client = client;
    this.#key = key;
    this.#end = end;
    this.#position = after;
    this.#observer = observer;
    this.#connect();
  }

  requestProgress(): void {
    this.#stream?.write({ progress_request: {} });
  }

  close(): void {
    this.#open = false;
    clearTimeout(this.#timer);
    this.#stream?.cancel();
  }

  #connect(): void {
    this.#stream = this.#client.watch({
      onResponse: (response) => this.#onResponse(response),
      onBroken: (error) => this.#onBroken(error),
    });
    this.#stream.write({
      create_request: {
        key: this.#key,
        range_end: this.#end,
        start_revision: this.#position + 1,
        progress_notify: true,
      },
    });
  }

  #connectAgain(): void {
    try {
      this.#connect();
    } catch (error) {
      this.#onBroken(error);
    }
  }

  #onResponse(response: WatchResponse): void {
    if (!this.#open) return;
    this.#failures = 0;
    if (response.canceled) return this.#onCanceled(response);
    if (response.created) return;
    // Progress of a stream whose events are still on their way would lie: it never goes back.
    this.#position = Math.max(this.#position, response.header.revision);
    this.#observer.onEvents(
      response.events.map((event) => this.#event(event)),
      this.#position,
    );
  }

  #event({ type, kv }: WatchResponse["events"][number]): StoreEvent {
    const item = this.#observer.item(kv);
    return type === "PUT" ? { type: "put", item } : { type: "delete", key: item.key, revision: item.modRevision };
  }

  #onCanceled(response: WatchResponse): void {
    const compacted = response.compact_revision > 0;
    const reason = compacted
      ? `revision ${this.#position} was asked for, compacted up to ${response.compact_revision}`
      : response.cancel_reason;
    this.#finish(
      new FairleadError(compacted ? "STORE_COMPACTED" : "STORE_UNAVAILABLE", { subject: this.#key.toString(), reason }),
    );
  }

  #onBroken(error: unknown): void {
    if (!this.#open) return;
    this.#stream = undefined;
    const delayMs = retryDelaysMs[this.#failures++];
    if (delayMs === undefined || !isUnavailable(error)) return this.#finish(unavailable(this.#key.toString(), error));
    this.#timer = setTimeout(() => this.#connectAgain(), delayMs);
  }

  #finish(error: FairleadError): void {
    if (!this.#open) return;
    this.close();
    this.#observer.onEnd(error);
  }
}
