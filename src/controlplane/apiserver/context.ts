/** One request on its way: what every part of the path may ask of it. */
import type { Readable } from "node:stream";
import type { Fence } from "../store/store.ts";
import type { RequestInfo } from "./request/info.ts";

/** Who asks (authentication.k8s.io UserInfo). */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const anonymous: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };

export interface RequestContext {
  readonly info: RequestInfo;
  readonly method: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly user: User;
  /** The whole body, at most the server's bound. @throws ApiError 413 */
  body(): Promise<Buffer>;
  /** Warnings for the client, sent as headers (RFC 7234 Warning 299). */
  readonly warnings: string[];
  /** Aborted when the client is gone or the server stops. */
  readonly signal: AbortSignal;
  /** Of a part of this process that acts only while it leads: its writes are refused where the fence is down. */
  readonly fence?: Fence | undefined;
}

/** What goes back. A stream's source is written as the client takes it. */
export type ApiResponse =
  | {
      readonly code: number;
      readonly contentType: string;
      readonly body: Buffer | readonly Buffer[];
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly code: number; readonly contentType: string; readonly stream: StreamSource }
  | {
      readonly code: number;
      readonly contentType: string;
      readonly headers?: Readonly<Record<string, string | readonly string[]>>;
      /** Passed on as fast as the client takes it (logs, proxies); destroyed when the client goes. */
      readonly readable: Readable;
    };

/** Writes into a response that stays open. */
export type StreamSource = (sink: StreamSink) => void;

export interface StreamSink {
  /** Queues bytes; a client that lets more than the bound gather is cut off. */
  write(bytes: Buffer | readonly Buffer[]): void;
  /** Queues what the stream begins with: bytes that others hold too, so that the bound does not count them. */
  writeInitial(parts: readonly Buffer[]): void;
  end(): void;
  /** Called once when nothing can be written any more, for whatever reason. */
  onClose(listener: () => void): void;
  /** Bytes that the client has not taken yet. */
  readonly queuedBytes: number;
}

/** A connection that a client has upgraded (WebSocket, SPDY) is not handled by verbs. */
export interface UpgradeRequest {
  readonly context: RequestContext;
  readonly socket: Readable;
  readonly head: Buffer;
}

export const json = "application/json";

/** A response of one JSON value. */
export function jsonResponse(code: number, value: unknown): ApiResponse {
  return { code, contentType: json, body: Buffer.from(JSON.stringify(value)) };
}
