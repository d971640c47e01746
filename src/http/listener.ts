/** Plain HTTP on one address: what health checks and scrapes ask, within bounds, and no more. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import { hostPort } from "../model/address.ts";
import { FairleadError } from "../errors/catalogue.ts";

export interface HttpRequest {
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface HttpAnswer {
  readonly code: number;
  /** One that is long comes in parts, each made when the one before is on its way. */
  readonly body: string | Iterable<string>;
  /** Default: text/plain. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type HttpHandler = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;

export interface ListenAddress {
  /** An address; undefined: every one of both families, where the kernel has both. */
  readonly host?: string;
  /** 0: one that is free. */
  readonly port: number;
}

/** Connections at one time; when they are used up, those that are idle make room. */
const maxConnections = 256;
/** A request's headers and body, which nobody reads, must be there within this time, in ms. */
const requestTimeoutMs = 5000;
const keepAliveMs = 30_000;
const maxHeaderBytes = 8192;
/** A client takes the next part within this time, in ms. */
const partTimeoutMs = 30_000;

const notFound: HttpAnswer = { code: 404, body: "404 page not found\n" };
const failed: HttpAnswer = { code: 500, body: "Internal Server Error\n" };

export class HttpListener {
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
  }

  /** @throws FairleadError LISTEN with the system's errno in its cause */
  static async open(at: ListenAddress, handler: HttpHandler): Promise<HttpListener> {
    const server = http.createServer(
      {
        maxHeaderSize: maxHeaderBytes,
        headersTimeout: requestTimeoutMs,
        requestTimeout: requestTimeoutMs,
        keepAliveTimeout: keepAliveMs,
        connectionsCheckingInterval: 1000,
      },
      (request, response) => void respond(request, response, handler),
    );
    server.maxConnections = maxConnections;
    server.on("drop", () => server.closeIdleConnections());
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => reject(listenFailed(at, cause)));
      server.listen({ port: at.port, ...(at.host === undefined ? {} : { host: at.host }) }, resolve);
    });
    return new HttpListener(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends every connection. Idempotent. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** Answers by the path alone; others are not found. */
export function routes(table: Readonly<Record<string, HttpHandler>>): HttpHandler {
  return (request) => (Object.hasOwn(table, request.path) ? table[request.path]!(request) : notFound);
}

async function respond(request: http.IncomingMessage, response: http.ServerResponse, handler: HttpHandler) {
  // Nobody reads a body: a client that sends one is not waited for.
  if (request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined) {
    response.shouldKeepAlive = false;
  }
  const answer = await answerOf(request, handler);
  const { code, body, contentType = "text/plain; charset=utf-8", headers } = answer;
  const isWhole = typeof body === "string";
  response.writeHead(code, {
    ...headers,
    "Content-Type": contentType,
    "X-Content-Type-Options": "nosniff",
    ...(isWhole && { "Content-Length": Buffer.byteLength(body) }),
  });
  if (request.method === "HEAD") response.end();
  else if (isWhole) response.end(body);
  else await sendParts(response, body);
}

/** A client that takes nothing for too long, or goes, ends it: what was made for it must not stay. */
async function sendParts(response: http.ServerResponse, parts: Iterable<string>): Promise<void> {
  response.setTimeout(partTimeoutMs, () => response.destroy());
  try {
    await pipeline(Readable.from(inTurns(parts)), response);
  } catch {
    response.destroy();
  }
}

/** Lets the event loop turn between two of them. */
async function* inTurns(parts: Iterable<string>): AsyncGenerator<string> {
  for (const part of parts) {
    yield part;
    await setImmediate();
  }
}

async function answerOf({ url = "/" }: http.IncomingMessage, handler: HttpHandler): Promise<HttpAnswer> {
  const [path = "/", query = ""] = url.split("?", 2);
  try {
    return await handler({ path, query: new URLSearchParams(query) });
  } catch {
    return failed;
  }
}

function listenFailed({ host = "*", port }: ListenAddress, cause: Error): FairleadError {
  const subject = hostPort(host, port);
  return new FairleadError("LISTEN", { subject, cause });
}
