/** Listening to multicast groups of netlink, through overruns. */
import type { FairleadError } from "../../errors/catalogue.ts";
import { native, type NamespaceRef, type NativeError, type NativeNetlinkSubscription } from "../native.ts";
import { callFailed } from "./netlink_client.ts";

export interface MulticastWatchOptions {
  /** What is watched, as it follows "watch": "conntrack". */
  readonly what: string;
  readonly protocol: number;
  readonly namespace: NamespaceRef;
  readonly groups: readonly number[];
  readonly receiveBufferBytes: number;
  /** Bounds what is decoded in one turn of the event loop. */
  readonly maxBytesPerTurn: number;
}

export interface MulticastObserver {
  onDatagram(datagram: Buffer): void;
  /** Messages were lost; from this call on none is. Observe again. */
  onOverrun(): void;
  /** The watch has ended by itself. */
  onFailed(error: FairleadError): void;
}

const ENOBUFS = 105;

export class MulticastWatch {
  readonly #options: MulticastWatchOptions;
  readonly #observer: MulticastObserver;
  #subscription: NativeNetlinkSubscription | undefined;
  #closed = false;

  private constructor(options: MulticastWatchOptions, observer: MulticastObserver) {
    this.#options = options;
    this.#observer = observer;
  }

  /** @throws FairleadError NATIVE_CALL when the namespace or a group is not there */
  static async open(options: MulticastWatchOptions, observer: MulticastObserver): Promise<MulticastWatch> {
    const watch = new MulticastWatch(options, observer);
    await watch.#subscribe();
    return watch;
  }

  /** Nothing is called afterwards. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#subscription?.close();
  }

  async #subscribe(): Promise<void> {
    let isOver = false;
    const subscription = await native()
      .subscribeNetlink(this.#options, (error, datagrams) => {
        for (const datagram of datagrams) if (!isOver && !this.#closed) this.#observer.onDatagram(datagram);
        if (!error || isOver || this.#closed) return;
        isOver = true;
        void this.#onError(error);
      })
      .catch((cause: unknown) => {
        throw callFailed(`watch ${this.#options.what}`, cause);
      });
    this.#subscription = subscription;
    if (this.#closed) subscription.close();
  }

  /**
   * A socket that has overrun drops what comes until it is empty, and does not say so again
   * (net/netlink/af_netlink.c, NETLINK_S_CONGESTED): the overrun is told once a new socket listens,
   * so that nothing is missed between what is observed then and what is told next.
   */
  async #onError(error: NativeError): Promise<void> {
    this.#subscription?.close();
    if (error.errno !== ENOBUFS) return this.#observer.onFailed(callFailed(`watch ${this.#options.what}`, error));
    try {
      await this.#subscribe();
    } catch (failure) {
      if (!this.#closed) this.#observer.onFailed(failure as FairleadError);
      return;
    }
    if (!this.#closed) this.#observer.onOverrun();
  }
}
