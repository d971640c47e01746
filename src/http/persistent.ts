/** A listener that is opened again and again until it is open, as kube-proxy's (cmd/kube-proxy/app, serveHealthz). */
import type { Clock } from "../reconcile/clock.ts";
import { HttpListener, type HttpHandler, type ListenAddress } from "./listener.ts";

export interface PersistentOptions {
  readonly clock: Clock;
  /** Told of each attempt that failed. */
  readonly onError: (error: unknown) => void;
}

const retryMs = 5000;

export class PersistentListener {
  readonly #at: ListenAddress;
  readonly #handler: HttpHandler;
  readonly #options: PersistentOptions;
  #listener: HttpListener | undefined;
  #cancelRetry: (() => void) | undefined;
  #attempt: Promise<void> | undefined;
  #closed = false;

  constructor(at: ListenAddress, handler: HttpHandler, options: PersistentOptions) {
    this.#at = at;
    this.#handler = handler;
    this.#options = options;
  }

  /**
   * Tries once; what fails is tried again every 5 s.
   *
   * @param mustListen KubeProxyConfiguration: bindAddressHardFail
   * @throws FairleadError LISTEN, where it must listen
   */
  async start(mustListen = false): Promise<void> {
    if (mustListen) this.#listener = await HttpListener.open(this.#at, this.#handler);
    else await this.#try();
  }

  /** Undefined while it could not listen. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    await this.#attempt;
    await this.#listener?.close();
  }

  async #try(): Promise<void> {
    this.#attempt = HttpListener.open(this.#at, this.#handler).then(
      (listener) => void (this.#listener = listener),
      (error: unknown) => {
        this.#options.onError(error);
        if (!this.#closed) this.#cancelRetry = this.#options.clock.after(retryMs, () => void this.#try());
      },
    );
    await this.#attempt;
  }
}
