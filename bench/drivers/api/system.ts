/** An API server that runs in processes of its own, as the drivers see one. */
import type { Cleanup } from "../../driver.ts";

/** How a client reaches it. Loopback alone. */
export interface Target {
  readonly port: number;
  /** PEM of who signed its certificate; undefined: nobody is asked (a server that signs its own). */
  readonly ca?: string;
  /** PEM of a client certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

/** What the server's event loop did since it was asked last, in ms. */
export interface LoopDelay {
  readonly max: number;
  readonly p99: number;
}

export interface RunningApi {
  readonly target: Target;
  /** From the start of the server's process to the first 200 of /readyz, in ms; the store was there before. */
  readonly readyMs: number;
  /** Process ids: of the server, and of its store where that has a process. */
  readonly pids: { readonly server: number; readonly store?: number };
  /** Undefined where the server is not a node program. */
  loopDelay?(): Promise<LoopDelay>;
}

export interface ApiSystem {
  readonly name: string;
  readonly what: string;
  missing?(): string | undefined;
  /** Starts it, empty. */
  start(cleanup: Cleanup): Promise<RunningApi>;
}
