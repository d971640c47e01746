/** A request from its first byte to its endpoint: who asks, may they, what is meant. The same for all that upgrades. */
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { messageOf } from "../../errors/message.ts";
import { nodeAttributes } from "./auth/attributes.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import type { Authorizer } from "./auth/authorizer.ts";
import { sendText, type Asked } from "./endpoint.ts";
import { Refusal } from "./refusal.ts";
import type { Match, Router } from "./router.ts";

export interface Access {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
}

/** Told of each request; what it returns is told of the end. */
export type RequestObserver = (method: string, path: string) => () => void;

export interface HandlerOptions {
  readonly router: Router;
  /** Undefined: nobody is asked (readOnlyPort). */
  readonly access: Access | undefined;
  readonly observe: RequestObserver;
  readonly onError: (attempted: string, error: unknown) => void;
  /** Upgraded connections on which nothing is said for this long are ended, in ms; 0: never. */
  readonly idleTimeoutMs: number;
}

export class Handler {
  readonly #options: HandlerOptions;

  constructor(options: HandlerOptions) {
    this.#options = options;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request);
    const ended = this.#options.observe(request.method ?? "", path ?? "");
    response.once("close", ended);
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    // Nobody reads a body.
    request.resume();
    try {
      const { endpoint, params } = await this.#admit(request, path);
      await endpoint.answer({ request, query: queryOf(request), params, signal: gone.signal }, response);
    } catch (error) {
      this.#refuse(response, error);
    }
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const path = pathOf(request);
    const ended = this.#options.observe(request.method ?? "", path ?? "");
    const gone = new AbortController();
    socket.on("error", () => socket.destroy());
    socket.once("close", () => gone.abort());
    this.#boundIdleness(socket);
    try {
      const { endpoint, params } = await this.#admit(request, path);
      if (!endpoint.upgrade) throw new Refusal(400, "this path takes no upgrade");
      const asked: Asked = { request, query: queryOf(request), params, signal: gone.signal };
      await endpoint.upgrade(asked, { request, socket, head });
    } catch (error) {
      const { code, message } = this.#asRefusal(error);
      endWith(socket, code, message);
    } finally {
      ended();
    }
  }

  /** @throws Refusal 400, 401, 403, 404, 405, 500 */
  async #admit(request: IncomingMessage, path: string | undefined): Promise<Match> {
    if (path === undefined) throw new Refusal(400, "the path cannot be decoded");
    const method = request.method ?? "";
    await this.#authorize(request, method, path);
    const match = this.#options.router.find(path);
    if (!match) throw new Refusal(404, "404 page not found\n");
    const { methods = ["GET"] } = match.endpoint;
    if (!methods.includes(method === "HEAD" ? "GET" : method)) {
      throw new Refusal(405, "Method Not Allowed", { Allow: methods.join(", ") });
    }
    return match;
  }

  async #authorize(request: IncomingMessage, method: string, path: string): Promise<void> {
    const { access, onError } = this.#options;
    if (!access) return;
    const user = await access.authenticator.authenticate(request).catch((error: unknown) => {
      onError("authenticate a request to the kubelet", error);
      return undefined;
    });
    if (!user) throw new Refusal(401, "Unauthorized");
    await access.authorizer.authorize(user, nodeAttributes(method, path));
  }

  #refuse(response: ServerResponse, error: unknown): void {
    const { code, message, headers } = this.#asRefusal(error);
    // What has begun cannot be refused any more: that it is cut off says that it is not whole.
    if (response.headersSent) response.destroy();
    else sendText(response, code, message, headers);
  }

  #asRefusal(error: unknown): Refusal {
    if (error instanceof Refusal) return error;
    this.#options.onError("answer a request to the kubelet", error);
    return new Refusal(500, messageOf(error));
  }

  #boundIdleness(socket: Duplex): void {
    const { idleTimeoutMs } = this.#options;
    const timed = socket as Partial<{ setTimeout(ms: number, call: () => void): void }>;
    timed.setTimeout?.(Math.min(idleTimeoutMs, 2 ** 31 - 1), () => socket.destroy());
  }
}

/** Decoded, as Go's servers see it; undefined where it is no path. */
function pathOf({ url = "/" }: IncomingMessage): string | undefined {
  try {
    return decodeURIComponent(url.split("?", 1)[0]!);
  } catch {
    return undefined;
  }
}

function queryOf({ url = "/" }: IncomingMessage): URLSearchParams {
  const at = url.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : url.slice(at + 1));
}

/** Time for a refused client to read why, in ms. */
const refusalMs = 1000;

function endWith(socket: Duplex, code: number, text: string): void {
  if (!socket.writable) return;
  const lines = [
    `HTTP/1.1 ${code} ${http.STATUS_CODES[code] ?? ""}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(text)}`,
    "Connection: close",
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${text}`);
  socket.resume();
  setTimeout(() => socket.destroy(), refusalMs).unref();
}
