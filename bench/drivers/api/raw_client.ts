/**
 * A client of HTTP/1.1 over TLS that costs little, so that what is measured is the server: one
 * connection, one request at a time, bodies counted and not kept unless they are asked for.
 */
import tls, { type TLSSocket } from "node:tls";
import type { Target } from "./system.ts";

export interface RawAnswer {
  readonly code: number;
  /** Bytes of the body. */
  readonly size: number;
  /** The body's beginning: at most what was asked to keep. */
  readonly body: string;
}

interface Pending {
  readonly resolve: (answer: RawAnswer) => void;
  readonly reject: (error: Error) => void;
  readonly keepBytes: number;
}

const headEnd = Buffer.from("\r\n\r\n");

export class RawClient {
  readonly socket: TLSSocket;
  readonly #authorization: string;
  #pending: Pending | undefined;
  #failure: Error | undefined;
  /** What of a head, or of a chunk's size, has come so far. */
  #rest = Buffer.alloc(0);
  #state: "head" | "length" | "chunk size" | "chunk" = "head";
  #left = 0;
  #code = 0;
  #size = 0;
  #kept: Buffer[] = [];

  private constructor(socket: TLSSocket, target: Target) {
    this.socket = socket;
    this.#authorization = target.token === undefined ? "" : `Authorization: Bearer ${target.token}\r\n`;
  }

  static async connect(target: Target): Promise<RawClient> {
    const socket = tls.connect({
      host: "127.0.0.1",
      port: target.port,
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: target.ca !== undefined,
      ...(target.ca === undefined ? {} : { ca: target.ca }),
      ...(target.cert === undefined ? {} : { cert: target.cert, key: target.key }),
    });
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    const client = new RawClient(socket, target);
    socket.on("error", (error: Error) => client.#fail(error));
    socket.on("close", () => client.#fail(new Error("the server closed the connection")));
    return client;
  }

  /** Sends a request and counts its answer. */
  request(method: string, path: string, body: string, keepBytes = 0, type?: string): Promise<RawAnswer> {
    if (this.socket.listenerCount("data") === 0) this.socket.on("data", (data: Buffer) => this.#onData(data));
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#pending = { resolve, reject, keepBytes };
      this.send(method, path, body, type);
    });
  }

  /** Sends a request whose answer the caller reads from the socket. */
  send(method: string, path: string, body: string, mediaType = "application/json"): void {
    const type = body === "" ? "" : `Content-Type: ${mediaType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
    this.socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nAccept: application/json\r\n${this.#authorization}${type}\r\n${body}`,
    );
  }

  close(): void {
    this.#failure = new Error("closed");
    this.socket.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
  }

  #onData(data: Buffer): void {
    for (let at = 0; at < data.length;) {
      if (this.#state === "head") at = this.#readHead(data, at);
      else if (this.#state === "chunk size") at = this.#readChunkSize(data, at);
      else at = this.#readBody(data, at);
    }
  }

  #readHead(data: Buffer, at: number): number {
    const whole = this.#rest.length === 0 ? data.subarray(at) : Buffer.concat([this.#rest, data.subarray(at)]);
    const end = whole.indexOf(headEnd);
    if (end < 0) {
      this.#rest = Buffer.from(whole);
      return data.length;
    }
    const before = this.#rest.length;
    const head = whole.toString("latin1", 0, end).toLowerCase();
    this.#rest = Buffer.alloc(0);
    this.#code = Number(head.slice(9, 12));
    this.#size = 0;
    this.#kept = [];
    if (head.includes("\r\ntransfer-encoding: chunked")) this.#state = "chunk size";
    else {
      this.#left = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0);
      this.#state = "length";
      if (this.#left === 0) this.#done();
    }
    return at + end + headEnd.length - before;
  }

  #readChunkSize(data: Buffer, at: number): number {
    const end = data.indexOf(0x0a, at);
    const line = Buffer.concat([this.#rest, data.subarray(at, end < 0 ? data.length : end + 1)]);
    this.#rest = end < 0 ? line : Buffer.alloc(0);
    if (end < 0) return data.length;
    const text = line.toString("latin1").trim();
    if (text !== "") {
      const size = Number.parseInt(text, 16);
      this.#left = size;
      if (size > 0) this.#state = "chunk";
      // The last chunk's empty line is the beginning of nothing: it is skipped with the next head.
      else this.#left = -1;
    } else if (this.#left === -1) this.#done();
    return end + 1;
  }

  #readBody(data: Buffer, at: number): number {
    const size = Math.min(this.#left, data.length - at);
    const keep = Math.min(size, (this.#pending?.keepBytes ?? 0) - this.#size);
    if (keep > 0) this.#kept.push(Buffer.from(data.subarray(at, at + keep)));
    this.#size += size;
    this.#left -= size;
    if (this.#left === 0) {
      if (this.#state === "chunk") this.#state = "chunk size";
      else this.#done();
    }
    return at + size;
  }

  #done(): void {
    this.#state = "head";
    this.#left = 0;
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve({ code: this.#code, size: this.#size, body: Buffer.concat(this.#kept).toString() });
  }
}
