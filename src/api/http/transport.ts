/** Requests over HTTP/2 with their bounds: of time, of size, of tries. */
import type { ClientHttp2Stream } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../errors/message.ts";
import type { ApiRequest } from "../request_client.ts";
import { StatusError, type StatusDetails } from "../status_error.ts";
import { Connections } from "./connections.ts";
import type { Credentials } from "./identity.ts";

/** A request that was sent, and what came of it. */
export interface SentRequest {
  readonly method: string;
  /** Undefined where no answer came. */
  readonly code: number | undefined;
  readonly seconds: number;
}

export interface TransportOptions {
  readonly server: string;
  readonly credentials: () => Promise<Credentials>;
  readonly userAgent: string;
  /** Bound of a request with all its tries, in ms; default 30 s. */
  readonly timeoutMs?: number;
  /** Told of each request, with each try of it; of a watch when it is answered. */
  readonly onSent?: (sent: SentRequest) => void;
}

/** Times that a request is sent that the server could not take (client-go's). */
const maxTries = 10;
/** Most of an answer, in bytes. */
const maxAnswerBytes = 256 * 1024 * 1024;
/** How long requests go on over connections that are to end, in ms; a watch is begun anew then. */
const retireMs = 2000;
const cancelCode = 8; // NGHTTP2_CANCEL
const refusedStream = "NGHTTP2_REFUSED_STREAM";

export interface Answer {
  readonly code: number;
  readonly retryAfterSeconds: number | undefined;
  readonly body: Buffer;
}

export class Transport {
  readonly #options: TransportOptions;
  readonly #connections: Connections;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#connections = new Connections(options.server);
  }

  /** @param read default: JSON.parse @returns the JSON that answers. @throws StatusError */
  async json<T>(request: ApiRequest, read: (body: Buffer) => unknown = parse): Promise<T> {
    const { code, body } = await this.#tried(request);
    if (code >= 400) throw refusal(code, body);
    try {
      return (await read(body)) as T;
    } catch (cause) {
      throw new StatusError(0, "", `${request.path} did not answer with JSON`, undefined, cause);
    }
  }

  /** A stream that stays open, behind its answer's code. @throws what the system says */
  async open(request: ApiRequest): Promise<ClientHttp2Stream> {
    const { tls, headers } = await this.#options.credentials();
    const stream = this.#connections.request(tls, { ...this.#headers(request), ...headers }, false);
    this.#observe(request, stream);
    return stream;
  }

  /** New connections from now on; what is under way on the others has a moment to end. */
  reconnect(): void {
    this.#connections.retire(retireMs);
  }

  close(): void {
    this.#connections.close();
  }

  async #tried(request: ApiRequest): Promise<Answer> {
    const deadlineMs = Date.now() + (this.#options.timeoutMs ?? 30_000);
    for (let attempt = 1; ; attempt++) {
      const waitMs = await this.#once(request, deadlineMs - Date.now()).then(
        (answer) => (mayRetry(answer) ? { answer, ms: answer.retryAfterSeconds * 1000 } : answer),
        (error: unknown) => {
          if (!mayRepeat(request, error)) throw unreachable(error);
          return { error, ms: 100 * 2 ** attempt };
        },
      );
      if (!("ms" in waitMs)) return waitMs;
      if (attempt === maxTries || Date.now() + waitMs.ms > deadlineMs) {
        if ("answer" in waitMs) return waitMs.answer;
        throw unreachable(waitMs.error);
      }
      await sleep(waitMs.ms);
    }
  }

  async #once(request: ApiRequest, timeoutMs: number): Promise<Answer> {
    const { tls, headers } = await this.#options.credentials();
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const stream = this.#connections.request(tls, { ...this.#headers(request), ...headers }, body !== undefined);
    this.#observe(request, stream);
    const answer = whole(stream, timeoutMs);
    if (body !== undefined) stream.end(body);
    return answer;
  }

  #observe({ method }: ApiRequest, stream: ClientHttp2Stream): void {
    const { onSent } = this.#options;
    if (!onSent) return;
    const startedMs = performance.now();
    let isTold = false;
    const tell = (code: number | undefined): void => {
      if (!isTold) onSent({ method, code, seconds: (performance.now() - startedMs) / 1000 });
      isTold = true;
    };
    stream.once("response", (headers) => tell(headers[":status"]));
    stream.once("close", () => tell(undefined));
  }

  #headers({ method, path, query, body, contentType }: ApiRequest): Record<string, string> {
    const search = query && query.size > 0 ? `?${query.toString()}` : "";
    return {
      ":method": method,
      ":path": path + search,
      accept: "application/json",
      "user-agent": this.#options.userAgent,
      ...(body === undefined ? {} : { "content-type": contentType ?? "application/json" }),
    };
  }
}

function parse(body: Buffer): unknown {
  return JSON.parse(body.toString());
}

function whole(stream: ClientHttp2Stream, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    let code = 0;
    let retryAfterSeconds: number | undefined;
    const fail = (error: Error): void => {
      clearTimeout(timer);
      stream.close(cancelCode);
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new Error(`no answer within ${Math.round(timeoutMs)} ms`)),
      Math.max(0, timeoutMs),
    );
    stream.once("response", (headers) => {
      code = headers[":status"] ?? 0;
      const after = Number(headers["retry-after"]);
      if (headers["retry-after"] !== undefined && after >= 0) retryAfterSeconds = after;
    });
    stream.on("data", (part: Buffer) => {
      parts.push(part);
      bytes += part.length;
      if (bytes > maxAnswerBytes) fail(new Error(`an answer of more than ${maxAnswerBytes} bytes`));
    });
    stream.on("error", fail);
    stream.once("close", () => {
      // A stream that was reset is not whole, though node says that it has ended.
      if (stream.readableEnded && stream.rstCode === 0 && code > 0) {
        clearTimeout(timer);
        resolve({ code, retryAfterSeconds, body: Buffer.concat(parts) });
      } else fail(new Error("the connection ended before the answer"));
    });
  });
}

/** The server did not take it on, and says when it will (client-go, rest/with_retry.go). */
function mayRetry(answer: Answer): answer is Answer & { readonly retryAfterSeconds: number } {
  return (answer.code === 429 || answer.code >= 500) && answer.retryAfterSeconds !== undefined;
}

/** What was not begun may be sent again, and what changes nothing. */
function mayRepeat({ method }: ApiRequest, error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  if (message.includes(refusedStream) || code === "ERR_HTTP2_GOAWAY_SESSION") return true;
  return method === "GET" && !message.startsWith("no answer within");
}

function unreachable(cause: unknown): StatusError {
  if (cause instanceof StatusError) return cause;
  return new StatusError(0, "", messageOf(cause), undefined, cause);
}

interface Status {
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: StatusDetails;
}

export function statusErrorOf({ code = 0, reason = "", message = "", details }: Status): StatusError {
  return new StatusError(code, reason, message, details);
}

export function refusal(code: number, body: Buffer): StatusError {
  const text = body.toString();
  try {
    return statusErrorOf({ code, ...(JSON.parse(text) as Status) });
  } catch {
    return new StatusError(code, "", text.slice(0, 1000));
  }
}
