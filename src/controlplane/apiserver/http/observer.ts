/** What is told of requests to who counts and logs them. */
import type { RequestInfo } from "../request/info.ts";

/** A request that has been answered, or whose client is gone. */
export interface RequestRecord {
  /** Undefined where the path could not be read. */
  readonly info: RequestInfo | undefined;
  readonly method: string;
  readonly uri: string;
  readonly code: number;
  readonly latencyMs: number;
  readonly auditId: string;
  readonly userAgent: string;
  readonly remoteAddress: string;
  /** Media type of the request's body, without parameters. */
  readonly contentType: string;
  readonly isDryRun: boolean;
  /** Of the body before it was compressed; of a stream, what was written. */
  readonly responseBytes: number;
}

export interface RequestObserver {
  /** A request that lasts (watch, log, exec) begins. @returns what is called at its end */
  longRunning(info: RequestInfo): () => void;
  /** An event was written to a watch. */
  watchEvent(info: RequestInfo): void;
  /** A request was turned away for the bound of its kind. */
  rejected(kind: InFlightKind): void;
  done(record: RequestRecord): void;
}

export type InFlightKind = "readOnly" | "mutating";
