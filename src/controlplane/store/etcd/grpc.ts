/**
 * gRPC over node's HTTP/2 (grpc/doc/PROTOCOL-HTTP2.md): as much as a client of etcd needs. A call of
 * @grpc/grpc-js takes the processor twice as long as the whole rest of a write's way through the server.
 */
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";

/** Status codes that are looked at (grpc/doc/statuscodes.md). */
export const status = { cancelled: 1, unknown: 2, deadlineExceeded: 4, outOfRange: 11, unavailable: 14 } as const;

export class GrpcError extends Error {
  readonly code: number;

  constructor(code: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** A method as proto-loader describes it. */
export interface Method {
  readonly path: string;
  requestSerialize(value: object): Buffer;
  responseDeserialize(bytes: Buffer): object;
}

export interface Tls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** What a peer may send before it is told that it was read, in bytes. */
const windowBytes = 8 * 1024 * 1024;
/** How often a connection is asked whether the other end is there, and how long that may take, in ms. */
const pingIntervalMs = 10_000;
const pingTimeoutMs = 10_000;
/** Bound of connecting, in ms. */
const connectTimeoutMs = 5000;

export class GrpcConnection {
  readonly #session: ClientHttp2Session;
  readonly #ping: NodeJS.Timeout;
  #failure: Error | undefined;

  /** @param endpoint `http://host:port`, or `https://host:port` */
  constructor(endpoint: string, tls: Tls = {}) {
    const settings = { initialWindowSize: windowBytes, enablePush: false };
    const session = (this.#session = http2.connect(endpoint, { ...tls, settings }));
    const timer = setTimeout(() => session.destroy(new Error("no connection in time")), connectTimeoutMs);
    session.once("connect", () => {
      clearTimeout(timer);
      session.setLocalWindowSize(windowBytes);
    });
    session.on("error", (error: Error) => (this.#failure ??= error));
    session.once("close", () => {
      clearTimeout(timer);
      clearInterval(this.#ping);
    });
    // Each watch listens for what becomes of the connection.
    session.setMaxListeners(0);
    this.#ping = setInterval(() => this.#askPeer(), pingIntervalMs).unref();
  }

  /** Whether calls can be made: not once it has failed or was closed. */
  get isOpen(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** @throws GrpcError */
  unary(method: Method, request: object, timeoutMs: number): Promise<object> {
    return new Promise((resolve, reject) => {
      let answer: object | undefined;
      const call = this.#open(method, timeoutMs, {
        onMessage: (message) => (answer = message),
        onEnd: (error) => {
          clearTimeout(timer);
          if (error) reject(error);
          else if (answer) resolve(answer);
          else reject(new GrpcError(status.unknown, "the answer holds no message"));
        },
      });
      const timer = setTimeout(() => call.fail(new GrpcError(status.deadlineExceeded, "no answer in time")), timeoutMs);
      call.write(request, true);
    });
  }

  /** Opens a stream of messages in both directions. */
  stream(method: Method, observer: CallObserver): Call {
    return this.#open(method, undefined, observer);
  }

  close(): void {
    this.#session.destroy();
  }

  #open(method: Method, timeoutMs: number | undefined, observer: CallObserver): Call {
    const headers = {
      ":method": "POST",
      ":path": method.path,
      "content-type": "application/grpc",
      te: "trailers",
      ...(timeoutMs === undefined ? {} : { "grpc-timeout": `${timeoutMs}m` }),
    };
    try {
      return new Call(this.#session.request(headers), method, observer, () => this.#failure);
    } catch (cause) {
      throw new GrpcError(status.unavailable, (cause as Error).message, cause);
    }
  }

  #askPeer(): void {
    const session = this.#session;
    if (session.connecting || !this.isOpen) return;
    const timer = setTimeout(() => session.destroy(new Error("the other end does not answer")), pingTimeoutMs);
    session.ping(() => clearTimeout(timer));
  }
}

export interface CallObserver {
  onMessage(message: object): void;
  /** Called once, last. @param error undefined where the peer ended the call with status OK */
  onEnd(error: GrpcError | undefined): void;
}

export class Call {
  readonly #stream: ClientHttp2Stream;
  readonly #method: Method;
  readonly #observer: CallObserver;
  readonly #messages = new Messages();
  #status: { readonly code: number; readonly message: string } | undefined;
  #error: GrpcError | undefined;
  #isOver = false;

  /** @param connectionFailure why the connection failed, where it did */
  constructor(stream: ClientHttp2Stream, method: Method, observer: CallObserver, connectionFailure: () => unknown) {
    this.#stream = stream;
    this.#method = method;
    this.#observer = observer;
    stream.on("response", (headers: IncomingHttpHeaders) => this.#onHeaders(headers));
    stream.on("trailers", (headers: IncomingHttpHeaders) => this.#onStatus(headers));
    stream.on("data", (data: Buffer) => this.#onData(data));
    stream.on("error", (cause: Error) => (this.#error ??= new GrpcError(status.unavailable, cause.message, cause)));
    stream.once("close", () => this.#onClose(connectionFailure()));
  }

  write(message: object, isLast = false): void {
    const frame = framed(this.#method.requestSerialize(message));
    if (isLast) this.#stream.end(frame);
    else this.#stream.write(frame);
  }

  /** Ends the call; nothing is called afterwards. */
  cancel(): void {
    this.#isOver = true;
    this.#stream.close(http2.constants.NGHTTP2_CANCEL);
  }

  /** Ends the call with this error. */
  fail(error: GrpcError): void {
    this.#end(error);
    this.#stream.close(http2.constants.NGHTTP2_CANCEL);
  }

  #onHeaders(headers: IncomingHttpHeaders): void {
    const code = Number(headers[":status"]);
    // A status among the headers: there is no message.
    if (headers["grpc-status"] !== undefined) this.#onStatus(headers);
    else if (code !== 200) this.#status = { code: status.unavailable, message: `HTTP status ${code}` };
  }

  #onStatus(headers: IncomingHttpHeaders): void {
    const message = headers["grpc-message"];
    this.#status = {
      code: Number(headers["grpc-status"]),
      message: typeof message === "string" ? decoded(message) : "",
    };
  }

  #onData(data: Buffer): void {
    if (this.#isOver) return;
    try {
      for (const message of this.#messages.take(data))
        this.#observer.onMessage(this.#method.responseDeserialize(message));
    } catch (cause) {
      this.fail(new GrpcError(status.unknown, `the answer cannot be read: ${(cause as Error).message}`, cause));
    }
  }

  #onClose(connectionFailure: unknown): void {
    if (this.#status?.code === 0) return this.#end(undefined);
    if (this.#status) return this.#end(new GrpcError(this.#status.code, this.#status.message));
    const cause = connectionFailure ?? this.#error;
    const message = cause instanceof Error ? cause.message : "the connection was closed";
    this.#end(new GrpcError(status.unavailable, message, cause));
  }

  #end(error: GrpcError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#observer.onEnd(error);
  }
}

const prefixBytes = 5;

/** Length-Prefixed-Message, not compressed. */
function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

/** Puts messages together from what arrives. */
class Messages {
  #parts: Buffer[] = [];
  #bytes = 0;
  /** Bytes of the message that is arriving, its prefix included; the prefix's alone while that is not whole. */
  #wanted = prefixBytes;

  *take(data: Buffer): Generator<Buffer> {
    this.#parts.push(data);
    this.#bytes += data.length;
    while (this.#bytes >= this.#wanted) {
      const all = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#bytes);
      const end = prefixBytes + all.readUInt32BE(1);
      this.#parts = [all];
      this.#wanted = end;
      if (this.#bytes < end) return;
      if (all[0] !== 0) throw new Error("the message is compressed");
      this.#parts = end === this.#bytes ? [] : [all.subarray(end)];
      this.#bytes -= end;
      this.#wanted = prefixBytes;
      yield all.subarray(prefixBytes, end);
    }
  }
}

/** Status messages are percent-encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
