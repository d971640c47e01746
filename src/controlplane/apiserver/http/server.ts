/** The listening side: HTTP/1.1 and HTTP/2 over TLS, one path from a request to its response. */
import http, { type IncomingMessage } from "node:http";
import http2, { type Http2ServerRequest } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import type { Duplex } from "node:stream";
import type { Credentials } from "../auth/authenticator.ts";
import type { ApiResponse, RequestContext, User } from "../context.ts";
import { requestInfo } from "../request/info.ts";
import { ApiError } from "../status.ts";
import { readBody } from "./body.ts";
import { send, sendError, type Reply } from "./reply.ts";

type Request = IncomingMessage | Http2ServerRequest;

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  /** Absent: plain HTTP, for tests on loopback alone. */
  readonly tls?: SecureContextOptions;
  /** Requests answered at one time, watches not counted; one more gets 429. Upstream's two bounds together: 600. */
  readonly maxInFlight?: number;
  readonly authenticate: (credentials: Credentials) => Promise<User>;
  /** Authorizes and answers. */
  readonly handle: (context: RequestContext) => Promise<ApiResponse>;
  /** Takes over a connection that asks for another protocol (exec, attach, port-forward). */
  readonly upgrade?: (context: RequestContext, request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;
  /** Called for errors that are nobody's fault but ours. */
  readonly onInternalError: (error: unknown, path: string) => void;
}

/** Time for a client to send its headers, in ms: a slow one holds no connection for longer. */
const headersTimeoutMs = 10_000;
/** Time for a client to send a whole request, in ms. */
const requestTimeoutMs = 60_000;
const maxHeaderBytes = 64 * 1024;

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: http.Server | http2.Http2SecureServer;
  readonly #sessions = new Set<{ destroy(): void }>();
  #inFlight = 0;
  #draining = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer(options, (request, reply) => void this.#onRequest(request, reply));
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#onUpgrade(request, socket, head);
    });
    this.#server.on("connection", (socket: Socket) => this.#track(socket));
    this.#server.on("session", (session: http2.ServerHttp2Session) => this.#track(session));
    // A client that speaks no TLS, or breaks off in a handshake, is its own affair.
    this.#server.on("tlsClientError", (_error: Error, socket: TLSSocket) => socket.destroy());
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
    return (this.#server.address() as AddressInfo).port;
  }

  /** New certificates for connections from now on. */
  setTls(tls: SecureContextOptions): void {
    if ("setSecureContext" in this.#server) this.#server.setSecureContext(tls);
  }

  /** Takes no new connection, lets requests end for `graceMs`, then cuts what is left. */
  async close(graceMs: number): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const timer = setTimeout(() => this.#cut(), graceMs);
    if (this.#inFlight === 0) this.#cut();
    await closed;
    clearTimeout(timer);
  }

  async #onRequest(request: Request, reply: Reply): Promise<void> {
    const warnings: string[] = [];
    let counted = false;
    try {
      const context = await this.#context(request, warnings);
      counted = this.#count(context);
      const response = await this.#options.handle(context);
      if (request.method === "HEAD" && "body" in response)
        send(reply, { ...response, body: Buffer.alloc(0) }, warnings);
      else send(reply, response, warnings);
    } catch (error) {
      if (!(error instanceof ApiError)) this.#options.onInternalError(error, request.url ?? "");
      sendError(reply, error);
    } finally {
      if (counted) this.#inFlight--;
      if (this.#draining && this.#inFlight === 0) this.#cut();
    }
  }

  async #context(request: Request, warnings: string[]): Promise<RequestContext> {
    const url = new URL(request.url ?? "/", "http://unused");
    const method = request.method ?? "GET";
    const info = requestInfo(method, url.pathname, url.searchParams);
    if (!info) throw new ApiError("BadRequest", "the path holds a malformed escape");
    const user = await this.#options.authenticate(credentialsOf(request));
    const gone = new AbortController();
    request.once("close", () => gone.abort());
    let body: Promise<Buffer> | undefined;
    return {
      info,
      method,
      query: url.searchParams,
      headers: request.headers,
      user,
      body: () => (body ??= readBody(request)),
      warnings,
      signal: gone.signal,
    };
  }

  /** Watches and other long requests are not counted: they cost nothing while they wait. */
  #count({ info }: RequestContext): boolean {
    if (info.verb === "watch" || !info.isResource) return false;
    if (this.#inFlight >= (this.#options.maxInFlight ?? 600)) {
      throw new ApiError("TooManyRequests", "Too many requests, please try again later.", { retryAfterSeconds: 1 });
    }
    this.#inFlight++;
    return true;
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    try {
      const context = await this.#context(request, []);
      if (!this.#options.upgrade) throw new ApiError("BadRequest", "this path takes no upgrade");
      await this.#options.upgrade(context, request, socket, head);
    } catch (error) {
      refuseUpgrade(socket, error);
    }
  }

  #track(connection: { destroy(): void; once(event: "close", listener: () => void): unknown }): void {
    this.#sessions.add(connection);
    connection.once("close", () => this.#sessions.delete(connection));
  }

  #cut(): void {
    for (const session of this.#sessions) session.destroy();
  }
}

function createServer(options: HttpServerOptions, onRequest: (request: Request, reply: Reply) => void) {
  if (!options.tls)
    return http.createServer(
      { maxHeaderSize: maxHeaderBytes, headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs },
      onRequest,
    );
  const server = http2.createSecureServer(
    {
      ...options.tls,
      allowHTTP1: true,
      requestCert: true,
      // Certificates of another CA are no credentials, and no reason to hang up: tokens may come.
      rejectUnauthorized: false,
      settings: { maxConcurrentStreams: 250, maxHeaderListSize: maxHeaderBytes, enableConnectProtocol: false },
      handshakeTimeout: headersTimeoutMs,
    },
    onRequest,
  );
  Object.assign(server, { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs });
  return server;
}

function credentialsOf(request: Request): Credentials {
  const socket = ("stream" in request && request.stream?.session?.socket) || request.socket;
  return { token: bearerToken(request), ...clientCertificate(socket as TLSSocket) };
}

/** Where a browser cannot set headers, the token comes as a WebSocket subprotocol (base64url). */
const tokenProtocol = "base64url.bearer.authorization.k8s.io.";

function bearerToken(request: Request): string | undefined {
  const header = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.authorization ?? "")?.[1];
  if (header !== undefined) return header;
  const protocols = (request.headers["sec-websocket-protocol"] ?? "").split(",");
  const encoded = protocols.map((protocol) => protocol.trim()).find((protocol) => protocol.startsWith(tokenProtocol));
  return encoded && Buffer.from(encoded.slice(tokenProtocol.length), "base64url").toString();
}

type CertificateCredentials = Pick<Credentials, "certificate" | "certificateRefused">;

/** What a connection's certificate says is read once: parsing it costs more than many a request. */
const certificates = new WeakMap<TLSSocket, CertificateCredentials & { readonly endsMs: number }>();

function clientCertificate(socket: TLSSocket): CertificateCredentials {
  // A session of HTTP/2 shows its socket through a proxy, which answers reads alone.
  if (typeof socket.getPeerCertificate !== "function") return { certificate: undefined };
  let read = certificates.get(socket);
  if (!read) certificates.set(socket, (read = readCertificate(socket)));
  // A connection may outlive the certificate that it began with.
  return read.endsMs > Date.now() ? read : { certificate: undefined, certificateRefused: true };
}

function readCertificate(socket: TLSSocket): CertificateCredentials & { readonly endsMs: number } {
  const peer = socket.getPeerCertificate() as Partial<ReturnType<TLSSocket["getPeerCertificate"]>>;
  if (!peer.raw) return { certificate: undefined, endsMs: Infinity };
  if (!socket.authorized) return { certificate: undefined, certificateRefused: true, endsMs: Infinity };
  const subject = (peer.subject ?? {}) as unknown as Record<string, string | string[] | undefined>;
  const certificate = {
    commonName: [subject["CN"] ?? ""].flat()[0]!,
    organizations: [subject["O"] ?? []].flat(),
    sha256: (peer.fingerprint256 ?? "").replaceAll(":", "").toLowerCase(),
  };
  return { certificate, endsMs: Date.parse(peer.valid_to ?? "") };
}

function refuseUpgrade(socket: Duplex, error: unknown): void {
  const status = error instanceof ApiError ? error : new ApiError("InternalError", (error as Error).message);
  const body = JSON.stringify(status.toStatus());
  const head = `HTTP/1.1 ${status.code} ${http.STATUS_CODES[status.code] ?? ""}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  socket.end(head + body);
}
