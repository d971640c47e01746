/** The listening side: HTTP/1.1 and HTTP/2 over TLS, one path from a request to its response. */
import { randomUUID } from "node:crypto";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { performance } from "node:perf_hooks";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import type { Duplex } from "node:stream";
import type { Http2SecureServer, ServerHttp2Session } from "node:http2";
import { hostPort } from "../../../model/address.ts";
import type { Credentials } from "../auth/authenticator.ts";
import type { ApiResponse, RequestContext, User } from "../context.ts";
import { mediaType } from "../request/body.ts";
import { requestInfo, type RequestInfo } from "../request/info.ts";
import { ApiError } from "../status.ts";
import { discardBody, readBody, type Request } from "./body.ts";
import { Connections } from "./connections.ts";
import { credentialsOf } from "./credentials.ts";
import { defaultLimits, InFlight, isLongRunning, type InFlightLimits } from "./in_flight.ts";
import { createListener } from "./listener.ts";
import type { InFlightKind, RequestObserver, RequestRecord } from "./observer.ts";
import { begin, errorResponse, send, sendReadable, type Reply } from "./reply.ts";
import { ReplySink } from "./stream.ts";

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  /** Absent: plain HTTP, for tests on loopback alone. */
  readonly tls?: SecureContextOptions;
  /** Requests answered at one time, watches not counted; one more gets 429. */
  readonly maxInFlight?: InFlightLimits;
  readonly authenticate: (credentials: Credentials) => Promise<User>;
  /** Authorizes and answers. */
  readonly handle: (context: RequestContext) => Promise<ApiResponse>;
  /** Takes over a connection that asks for another protocol (exec, attach, port-forward). */
  readonly upgrade?: (context: RequestContext, request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;
  /** Called for errors that are nobody's fault but ours. */
  readonly onInternalError: (error: unknown, path: string) => void;
  readonly observer?: RequestObserver | undefined;
  /** Called for each request that was answered, or whose client is gone. */
  readonly onRequest?: ((record: RequestRecord) => void) | undefined;
}

/** A request on its way through the server. */
interface Exchange {
  readonly request: Request;
  readonly startedMs: number;
  readonly auditId: string;
  readonly remoteAddress: string;
  readonly warnings: string[];
  info: RequestInfo | undefined;
  isDryRun: boolean;
  /** Bytes of the response's body. */
  bytes: number;
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: http.Server | Http2SecureServer;
  readonly #connections = new Connections();
  readonly #streams = new Set<ReplySink>();
  readonly #inFlight: InFlight;
  #isDraining = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#inFlight = new InFlight(options.maxInFlight ?? defaultLimits, (kind) => options.observer?.rejected(kind));
    this.#server = createListener(options.tls, (request, reply) => void this.#onRequest(request, reply));
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#onUpgrade(request, socket, head);
    });
    this.#server.on("connection", (socket: Socket) => {
      this.#connections.accept(socket);
      if (!options.tls) this.#connections.addSocket(socket);
    });
    this.#server.on("secureConnection", (socket: TLSSocket) => {
      if (socket.alpnProtocol !== "h2") this.#connections.addSocket(socket);
    });
    this.#server.on("session", (session: ServerHttp2Session) => this.#connections.addSession(session));
    // A client that speaks no TLS, or breaks off in a handshake, is its own affair.
    this.#server.on("tlsClientError", (_error: Error, socket: TLSSocket) => socket.destroy());
  }

  /** Requests that are being answered. */
  get inFlight(): Readonly<Record<InFlightKind, number>> {
    return this.#inFlight.current;
  }

  /** @returns the port that it listens on @throws the system's error when it cannot */
  async listen(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    // What goes wrong with one connection (no descriptor is free) must not end the server.
    this.#server.on("error", (error: Error) => this.#options.onInternalError(error, "accepting a connection"));
    return (this.#server.address() as AddressInfo).port;
  }

  /** New certificates for connections from now on. */
  setTls(tls: SecureContextOptions): void {
    if ("setSecureContext" in this.#server) this.#server.setSecureContext(tls);
  }

  /**
   * Takes no new connection, ends streams behind what they have written, lets requests end for
   * `graceMs`, then cuts what is left.
   */
  async close(graceMs: number): Promise<void> {
    this.#isDraining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const stream of this.#streams) stream.end();
    this.#connections.drain();
    const timer = setTimeout(() => this.#connections.destroy(), graceMs);
    await closed;
    clearTimeout(timer);
  }

  async #onRequest(request: Request, reply: Reply): Promise<void> {
    const exchange = exchangeOf(request);
    const ended = this.#connections.begin(request);
    reply.once("close", () => {
      ended();
      this.#record(exchange, reply.statusCode);
    });
    reply.setHeader("Audit-Id", exchange.auditId);
    if (this.#isDraining && "shouldKeepAlive" in reply) reply.shouldKeepAlive = false;
    try {
      await this.#answer(exchange, reply);
    } catch (error) {
      if (!(error instanceof ApiError)) this.#options.onInternalError(error, `${request.method} ${request.url}`);
      await sendError(exchange, reply, error);
    }
  }

  async #answer(exchange: Exchange, reply: Reply): Promise<void> {
    const context = await this.#context(exchange, reply);
    const left = this.#inFlight.enter(context.info, context.user);
    // A client that is gone leaves work behind, which counts until it is done.
    try {
      const isLong = isLongRunning(context.info);
      if (isLong) reply.once("close", this.#options.observer?.longRunning(context.info) ?? (() => undefined));
      const response = await this.#options.handle(context);
      if ("stream" in response) return this.#stream(exchange, reply, response);
      const options = {
        warnings: exchange.warnings,
        isHead: exchange.request.method === "HEAD",
        acceptEncoding: exchange.request.headers["accept-encoding"]?.toString(),
      };
      exchange.bytes =
        "readable" in response ? await sendReadable(reply, response, options) : await send(reply, response, options);
    } finally {
      left();
    }
  }

  #stream(exchange: Exchange, reply: Reply, response: Extract<ApiResponse, { stream: unknown }>): void {
    begin(reply, response, exchange.warnings);
    // A client waits for the headers before the first event.
    if ("flushHeaders" in reply) reply.flushHeaders();
    else (reply as unknown as ServerResponse).writeHead(response.code);
    const { info } = exchange;
    const onLine = (): void => {
      if (info?.verb === "watch") this.#options.observer?.watchEvent(info);
    };
    const sink = new ReplySink(reply, onLine);
    this.#streams.add(sink);
    sink.onClose(() => {
      exchange.bytes = sink.writtenBytes;
      this.#streams.delete(sink);
    });
    response.stream(sink);
    if (this.#isDraining) sink.end();
  }

  async #context(exchange: Exchange, reply?: Reply): Promise<RequestContext> {
    const { request } = exchange;
    const { path, query } = targetOf(request.url ?? "/");
    const method = request.method ?? "GET";
    exchange.isDryRun = query.has("dryRun");
    const info = (exchange.info = requestInfo(method, path, query));
    if (!info) throw new ApiError("BadRequest", "the path holds a malformed escape");
    const user = await this.#options.authenticate(credentialsOf(request));
    if (info.verb.startsWith("http:") && !ordinaryMethods.has(method) && info.subresource !== "proxy") {
      throw new ApiError("MethodNotAllowed", "the server does not allow this method on the requested resource");
    }
    // Not the request's end: HTTP/1 calls a request closed once its body was read.
    const goes = reply ?? request;
    let gone: AbortSignal | undefined;
    let body: Promise<Buffer> | undefined;
    return {
      info,
      method,
      query,
      headers: request.headers,
      user,
      body: () => (body ??= readBody(request)),
      warnings: exchange.warnings,
      // Made for who asks: few do, and to abort one costs an error with its stack.
      get signal() {
        return (gone ??= signalOf(goes));
      },
    };
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const exchange = exchangeOf(request);
    const ended = this.#connections.begin(request);
    let code = 101;
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      ended();
      this.#record(exchange, code);
    });
    try {
      const context = await this.#context(exchange);
      if (!this.#options.upgrade) throw new ApiError("BadRequest", "this path takes no upgrade");
      socket.once("close", this.#options.observer?.longRunning(context.info) ?? (() => undefined));
      await this.#options.upgrade(context, request, socket, head);
    } catch (error) {
      if (!(error instanceof ApiError)) this.#options.onInternalError(error, `${request.method} ${request.url}`);
      code = refuseUpgrade(socket, error);
    }
  }

  #record(exchange: Exchange, code: number): void {
    const { request, startedMs, auditId, info, isDryRun, bytes } = exchange;
    const { observer, onRequest } = this.#options;
    if (!observer && !onRequest) return;
    const record: RequestRecord = {
      info,
      method: request.method ?? "",
      uri: request.url ?? "",
      code,
      latencyMs: performance.now() - startedMs,
      auditId,
      userAgent: request.headers["user-agent"] ?? "",
      remoteAddress: exchange.remoteAddress,
      contentType: mediaType(request.headers["content-type"]),
      isDryRun,
      responseBytes: bytes,
    };
    observer?.done(record);
    onRequest?.(record);
  }
}

const ordinaryMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

function exchangeOf(request: Request): Exchange {
  // At the end of a connection it is no longer known.
  const { remoteAddress = "", remotePort = 0 } = request.socket;
  return {
    request,
    startedMs: performance.now(),
    auditId: auditIdOf(request.headers["audit-id"]),
    remoteAddress: hostPort(remoteAddress, remotePort),
    warnings: [],
    info: undefined,
    isDryRun: false,
    bytes: 0,
  };
}

/** Aborted when the request's other end is gone. */
function signalOf(goes: Request | Reply): AbortSignal {
  const gone = new AbortController();
  if (goes.destroyed) gone.abort();
  else goes.once("close", () => gone.abort());
  return gone.signal;
}

/** A client may name its request (apiserver, WithAuditInit). */
function auditIdOf(header: string | string[] | undefined): string {
  return typeof header === "string" && /^[\x21-\x7e]{1,64}$/.test(header) ? header : randomUUID();
}

/** A request's target as it was sent: no path is normalized, so that none means another than was authorized. */
function targetOf(url: string): { path: string; query: URLSearchParams } {
  // The absolute form (RFC 9112, 3.2.2) names the server too.
  const target = url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?]*/i, "");
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  return {
    path: path.startsWith("/") ? path : `/${path}`,
    query: new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)),
  };
}

async function sendError({ request, warnings }: Exchange, reply: Reply, error: unknown): Promise<void> {
  if (reply.headersSent) {
    reply.destroy();
    return;
  }
  for (const name of ["Content-Encoding", "Content-Length", "Vary"]) reply.removeHeader(name);
  const response = errorResponse(error);
  if (response.code !== 413) {
    await send(reply, response, { warnings, isHead: request.method === "HEAD" });
    return;
  }
  // The client is still sending: it gets its answer at once, and its connection ends behind that.
  begin(reply, response, warnings);
  if ("shouldKeepAlive" in reply) reply.shouldKeepAlive = false;
  const body = response.body as Buffer;
  reply.setHeader("Content-Length", body.length);
  (reply as ServerResponse).write(body);
  await discardBody(request);
  reply.end();
}

/** How long a client may stay that was refused an upgrade, in ms. */
const refusedTimeoutMs = 5000;

/** @returns the status code */
function refuseUpgrade(socket: Duplex, error: unknown): number {
  const { code, body } = errorResponse(error);
  const head = `HTTP/1.1 ${code} ${http.STATUS_CODES[code] ?? ""}\r\nContent-Type: application/json\r\nContent-Length: ${(body as Buffer).length}\r\nConnection: close\r\n\r\n`;
  socket.end(Buffer.concat([Buffer.from(head), body as Buffer]));
  // Node reads no further on a connection that asked for an upgrade: unread, the client's end would never be seen.
  socket.resume();
  const late = setTimeout(() => socket.destroy(), refusedTimeoutMs);
  socket.once("close", () => clearTimeout(late));
  return code;
}
