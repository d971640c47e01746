/** One watch over HTTP: JSON, a line an event. */
import type { ClientHttp2Stream } from "node:http2";
import { messageOf } from "../../errors/message.ts";
import type { KubeObject } from "../../model/kubernetes.ts";
import type { WatchObserver } from "../client.ts";
import { JsonFields } from "../json_fields.ts";
import { StatusError } from "../status_error.ts";
import { refusal, statusErrorOf } from "./transport.ts";

/** Most of one event, in bytes: an object has 1.5 MiB at the most, and may be sent with its fields' managers. */
const maxEventBytes = 8 * 1024 * 1024;
/** Bound of the wait for the server's first word, in ms. */
const answerTimeoutMs = 30_000;
const cancelCode = 8; // NGHTTP2_CANCEL
const newline = 0x0a;

interface Line<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

export class HttpWatch<T extends KubeObject> {
  readonly #observer: WatchObserver<T>;
  readonly #fields: JsonFields | undefined;
  #stream: ClientHttp2Stream | undefined;
  #ended = false;
  #code = 0;
  /** Of a line whose end has not come. */
  #parts: Buffer[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param fields what is read of each object; default: all */
  constructor(observer: WatchObserver<T>, fields?: JsonFields) {
    this.#observer = observer;
    this.#fields = fields && new JsonFields({ type: true, object: fields });
  }

  async follow(open: () => Promise<ClientHttp2Stream>): Promise<void> {
    try {
      const stream = await open();
      if (this.#ended) return stream.close(cancelCode);
      this.#read(stream);
    } catch (error) {
      this.end(lost(error));
    }
  }

  #read(stream: ClientHttp2Stream): void {
    this.#stream = stream;
    const late = new Error(`no answer to a watch within ${answerTimeoutMs} ms`);
    this.#timer = setTimeout(() => this.end(lost(late)), answerTimeoutMs);
    stream.once("response", (headers) => {
      clearTimeout(this.#timer);
      this.#code = headers[":status"] ?? 0;
    });
    stream.on("data", (part: Buffer) => this.#onData(part));
    stream.on("error", (error) => this.end(lost(error)));
    stream.once("close", () => {
      // A connection that breaks, and a server that cuts a slow watcher off, end a stream without its end.
      if (this.#code >= 400) this.end(refusal(this.#code, Buffer.concat(this.#parts)));
      else this.end(isWhole(stream) && this.#bytes === 0 ? undefined : lost(new Error("the connection ended")));
    });
  }

  #onData(part: Buffer): void {
    if (this.#ended) return;
    let from = 0;
    for (let at = part.indexOf(newline); at >= 0 && this.#code < 400; at = part.indexOf(newline, from)) {
      this.#parts.push(part.subarray(from, at));
      const line = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
      this.#parts = [];
      this.#bytes = 0;
      from = at + 1;
      this.#onLine(line);
      if (this.#ended) return;
    }
    if (from === part.length) return;
    this.#parts.push(part.subarray(from));
    this.#bytes += part.length - from;
    if (this.#bytes > maxEventBytes) this.end(lost(new Error(`an event of more than ${maxEventBytes} bytes`)));
  }

  #onLine(line: Buffer): void {
    if (line.length === 0) return;
    let event: Line<T>;
    try {
      event = this.#parse(line);
    } catch (error) {
      return this.end(lost(error));
    }
    if (event.type === "ERROR") return this.end(statusErrorOf(event.object as object));
    if (event.type === "BOOKMARK") {
      return this.#observer.onEvent({ type: "BOOKMARK", resourceVersion: event.object.metadata.resourceVersion });
    }
    this.#observer.onEvent({ type: event.type, object: withoutManagers(event.object) });
  }

  #parse(line: Buffer): Line<T> {
    const event = this.#fields?.read(line) as Line<T> | undefined;
    // An error is no object of the resource: it is read whole.
    return event === undefined || event.type === "ERROR" ? (JSON.parse(line.toString()) as Line<T>) : event;
  }

  /** Nothing is called behind it. */
  stop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#parts = [];
    this.#stream?.close(cancelCode);
  }

  end(error: StatusError | undefined): void {
    if (this.#ended) return;
    this.stop();
    this.#observer.onEnd(error);
  }
}

/** Whether the other side ended it: node takes a stream that was reset by CANCEL for one that has ended too. */
function isWhole(stream: ClientHttp2Stream): boolean {
  return stream.readableEnded && stream.rstCode === 0;
}

/** Who set what is a third of an object, and readers have no use for it. */
export function withoutManagers<T extends KubeObject>(object: T): T {
  delete (object.metadata as { managedFields?: unknown }).managedFields;
  return object;
}

function lost(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  return new StatusError(0, "", messageOf(error), undefined, error);
}
