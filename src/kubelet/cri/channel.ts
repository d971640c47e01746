/** Calls of one gRPC endpoint, each with a deadline; what goes wrong is a FairleadError. */
import { Client, credentials, Metadata, status, type ClientReadableStream, type ServiceError } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import protobuf from "protobufjs";
import { FairleadError, type ErrorCode } from "../../errors/catalogue.ts";

/** A method as proto-loader describes it. */
interface Method {
  readonly path: string;
  readonly requestSerialize: (value: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => object;
}

export interface Channel {
  /** @throws FairleadError */
  unary(service: string, method: string, request: object, timeoutMs: number): Promise<object>;
  /** An answer that goes on until it is stopped. @returns how to stop */
  stream(service: string, method: string, request: object, observer: StreamObserver): () => void;
  close(): void;
}

export interface StreamObserver {
  onMessage(message: object): void;
  /** Called once, unless it was stopped. */
  onEnd(error: unknown): void;
}

/** An answer's bound in bytes (upstream's maxMsgSize): what a list of many containers needs. */
const maxMessageBytes = 16 * 1024 * 1024;

export interface ChannelOptions {
  /** `unix:///path` */
  readonly endpoint: string;
  /** In protobuf's language. */
  readonly proto: string;
  /** Of every call. */
  readonly headers?: Readonly<Record<string, string>>;
}

export function openChannel({ endpoint, proto, headers = {} }: ChannelOptions): Channel {
  const methods = methodsOf(proto);
  const client = new Client(endpoint, credentials.createInsecure(), {
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    // A runtime that is restarted is back in a second: a minute's wait is for networks.
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.min_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 1000,
    "grpc.enable_retries": 0,
  });
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const methodOf = (service: string, name: string): Method => methods(service, name);
  return {
    unary(service, name, request, timeoutMs) {
      const { path, requestSerialize, responseDeserialize } = methodOf(service, name);
      const deadline = Date.now() + timeoutMs;
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, { deadline }, done);
        function done(error: ServiceError | null, answer?: object): void {
          if (error) reject(asFairleadError(`${name} on ${endpoint}`, error));
          else resolve(answer!);
        }
      });
    },
    stream(service, name, request, observer) {
      const { path, requestSerialize, responseDeserialize } = methodOf(service, name);
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata, {});
      return follow(call, `${name} on ${endpoint}`, observer);
    },
    close: () => client.close(),
  };
}

function follow(call: ClientReadableStream<object>, subject: string, observer: StreamObserver): () => void {
  let isOver = false;
  const end = (error: unknown): void => {
    if (isOver) return;
    isOver = true;
    observer.onEnd(error);
  };
  call.on("data", (message: object) => {
    if (!isOver) observer.onMessage(message);
  });
  call.on("error", (error: ServiceError) => end(asFairleadError(subject, error)));
  call.on("end", () => end(new FairleadError("CRI_UNAVAILABLE", { subject, reason: "the runtime ended the stream" })));
  return () => {
    isOver = true;
    call.cancel();
  };
}

const codes: Readonly<Partial<Record<status, ErrorCode>>> = {
  [status.NOT_FOUND]: "CRI_NOT_FOUND",
  [status.DEADLINE_EXCEEDED]: "CRI_TIMEOUT",
  [status.UNAVAILABLE]: "CRI_UNAVAILABLE",
  [status.CANCELLED]: "CRI_UNAVAILABLE",
  [status.UNIMPLEMENTED]: "CRI_UNIMPLEMENTED",
};

function asFairleadError(subject: string, error: ServiceError): FairleadError {
  // In the words in which Go prints it: they end up in Events and statuses.
  const reason = `rpc error: code = ${codeName(error.code)} desc = ${error.details}`;
  return new FairleadError(codes[error.code] ?? "CRI_REFUSED", { subject, reason, cause: error });
}

/** "NOT_FOUND" as Go's codes.Code prints it: "NotFound". */
function codeName(code: status): string {
  const words = (status[code] ?? "UNKNOWN").toLowerCase().split("_");
  return words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
}

type Methods = (service: string, name: string) => Method;

/** There are few descriptions, and a probe may open a channel each second. */
const loaded = new Map<string, Methods>();

function methodsOf(proto: string): Methods {
  const known = loaded.get(proto) ?? loadMethods(proto);
  loaded.set(proto, known);
  return known;
}

function loadMethods(proto: string): Methods {
  const json = protobuf.parse(proto).root.toJSON();
  const definition = fromJSON(json, { longs: Number, enums: String, defaults: true, arrays: true, objects: true });
  return (service, name) => (definition[service] as unknown as Record<string, Method>)[name]!;
}
