/**
 * HTTP/2 connections to one server: requests share them, and one that is silent is asked whether it lives, as
 * client-go does (ReadIdleTimeout 30 s, PingTimeout 15 s).
 */
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from "node:http2";
import { sameIdentity, type TlsIdentity } from "./identity.ts";

/** Streams of one connection; upstream's servers let 100 to 250 in. */
const maxStreams = 100;
const pingEveryMs = 30_000;
const pingTimeoutMs = 15_000;
const connectTimeoutMs = 10_000;
/** A connection without a request is closed after so long; servers do so at 90 s. */
const idleMs = 60_000;
/** Bytes that a server may send ahead, of a stream and of a connection: lists are megabytes. */
const streamWindow = 1024 * 1024;
const connectionWindow = 8 * 1024 * 1024;

export class Connections {
  readonly #server: string;
  #connections: Connection[] = [];
  #closed = false;

  constructor(server: string) {
    this.#server = server;
  }

  /** @throws what the system says of a server that cannot be reached, by the stream's "error" */
  request(identity: TlsIdentity, headers: OutgoingHttpHeaders, hasBody: boolean): ClientHttp2Stream {
    if (this.#closed) throw new Error("the client is closed");
    this.#connections = this.#connections.filter(({ isOpen }) => isOpen);
    let connection = this.#connections.find((one) => one.active < maxStreams && sameIdentity(one.identity, identity));
    if (!connection) {
      connection = new Connection(this.#server, identity);
      this.#connections.push(connection);
    }
    return connection.request(headers, hasBody);
  }

  /** Those that stand take nothing more, and end with what is under way, or after this many ms. */
  retire(graceMs: number): void {
    for (const connection of this.#connections) connection.retire(graceMs);
    this.#connections = [];
  }

  get count(): number {
    return this.#connections.filter(({ isOpen }) => isOpen).length;
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.destroy(new Error("the client is closed"));
    this.#connections = [];
  }
}

class Connection {
  readonly identity: TlsIdentity;
  readonly #session: ClientHttp2Session;
  readonly #timer: NodeJS.Timeout;
  active = 0;
  #lastUsedMs = Date.now();

  constructor(server: string, identity: TlsIdentity) {
    this.identity = identity;
    const { ca, cert, key, servername, rejectUnauthorized } = identity;
    this.#session = http2.connect(server, {
      settings: { enablePush: false, initialWindowSize: streamWindow },
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    });
    this.#timer = setInterval(() => this.#look(), pingEveryMs).unref();
    const connecting = setTimeout(
      () => this.destroy(new Error(`no connection to ${server} within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    ).unref();
    this.#session.once("connect", () => {
      clearTimeout(connecting);
      this.#session.setLocalWindowSize(connectionWindow);
    });
    // Streams hear of it too, and they have readers.
    this.#session.on("error", () => undefined);
    this.#session.once("goaway", () => this.#session.close());
    this.#session.once("close", () => {
      clearTimeout(connecting);
      clearInterval(this.#timer);
    });
  }

  get isOpen(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  request(headers: OutgoingHttpHeaders, hasBody: boolean): ClientHttp2Stream {
    const stream = this.#session.request(headers, { endStream: !hasBody });
    this.active++;
    stream.once("close", () => {
      this.active--;
      this.#lastUsedMs = Date.now();
    });
    return stream;
  }

  destroy(why: Error): void {
    this.#session.destroy(why);
  }

  retire(graceMs: number): void {
    const late = setTimeout(() => this.destroy(new Error("another identity is used from now on")), graceMs).unref();
    this.#session.once("close", () => clearTimeout(late));
    this.#session.close();
  }

  #look(): void {
    if (this.active === 0 && Date.now() - this.#lastUsedMs > idleMs) return this.#session.close();
    if (this.active === 0 || this.#session.connecting) return;
    const silent = (): void => this.destroy(new Error(`no answer to a ping within ${pingTimeoutMs} ms`));
    const late = setTimeout(silent, pingTimeoutMs).unref();
    this.#session.ping((error) => {
      clearTimeout(late);
      if (error) silent();
    });
  }
}
