/** Calls to one etcd cluster over gRPC: one connection at a time, the next endpoint when it fails. */
import { fromJSON } from "@grpc/proto-loader";
import protobuf from "protobufjs";
import { FairleadError } from "../../../errors/catalogue.ts";
import { GrpcConnection, GrpcError, status, type Method, type Tls } from "./grpc.ts";
import { rpcProto, type UnaryCalls, type WatchResponse } from "./rpc.ts";

export interface EtcdClientOptions {
  /** `http://host:port` or `https://host:port`, all of one scheme. */
  readonly endpoints: readonly [string, ...string[]];
  /** PEM; with https only. */
  readonly tls?: Tls;
  /** Bound of one call in ms. Default 5,000. */
  readonly timeoutMs?: number;
}

export interface WatchObserver {
  onResponse(response: WatchResponse): void;
  /** The stream is over; nothing is called after this. */
  onBroken(error: GrpcError): void;
}

export interface WatchStream {
  write(request: object): void;
  /** Nothing is called after this. */
  cancel(): void;
}

interface Connection {
  readonly endpoint: string;
  readonly grpc: GrpcConnection;
}

const serviceOf = { Range: "KV", Txn: "KV", Compact: "KV", LeaseGrant: "Lease", Watch: "Watch" } as const;

export class EtcdClient {
  readonly #options: EtcdClientOptions;
  #next = 0;
  #connection: Connection | undefined;
  #closed = false;

  constructor(options: EtcdClientOptions) {
    this.#options = options;
    checkSchemes(options.endpoints);
  }

  /**
   * Carries out one call; an endpoint that does not answer is left for the next one, each tried once.
   * Reads alone are sent again: a write may have been carried out by the one that failed.
   *
   * @throws FairleadError STORE_UNAVAILABLE; GrpcError for what etcd itself refuses
   */
  async call<M extends keyof UnaryCalls>(method: M, request: UnaryCalls[M][0]): Promise<UnaryCalls[M][1]> {
    const attempts = method === "Range" ? this.#options.endpoints.length : 1;
    for (let attempt = 1; ; attempt++) {
      const connection = this.#connect();
      try {
        const answer = await connection.grpc.unary(methodOf(method), request, this.#options.timeoutMs ?? 5000);
        return answer as UnaryCalls[M][1];
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        this.#leave(connection);
        if (attempt >= attempts) throw unavailable(connection.endpoint, error);
      }
    }
  }

  /** Opens a stream of watches on the current endpoint. @throws FairleadError STORE_UNAVAILABLE */
  watch(observer: WatchObserver): WatchStream {
    const connection = this.#connect();
    return connection.grpc.stream(methodOf("Watch"), {
      onMessage: (message) => observer.onResponse(message as WatchResponse),
      onEnd: (error) => {
        if (isUnavailable(error)) this.#leave(connection);
        observer.onBroken(error ?? new GrpcError(status.unavailable, "etcd ended the stream"));
      },
    });
  }

  /** Idempotent; later calls are refused. */
  close(): void {
    this.#closed = true;
    this.#connection?.grpc.close();
    this.#connection = undefined;
  }

  #connect(): Connection {
    if (this.#closed) {
      throw new FairleadError("STORE_UNAVAILABLE", {
        subject: this.#options.endpoints[0],
        reason: "the store is closed",
      });
    }
    if (this.#connection?.grpc.isOpen) return this.#connection;
    const endpoint = this.#options.endpoints[this.#next % this.#options.endpoints.length]!;
    return (this.#connection = { endpoint, grpc: new GrpcConnection(endpoint, this.#options.tls) });
  }

  #leave(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#next++;
    this.#connection = undefined;
    connection.grpc.close();
  }
}

let methods: Readonly<Record<string, Method>> | undefined;

function methodOf(name: keyof typeof serviceOf): Method {
  methods ??= loadMethods();
  return methods[name]!;
}

function loadMethods(): Record<string, Method> {
  const json = protobuf.parse(rpcProto, { keepCase: true }).root.toJSON();
  // Revisions and our own lease ids stay below 2^53; other ids of etcd's are not read.
  const definition = fromJSON(json, { keepCase: true, longs: Number, enums: String, defaults: true, arrays: true });
  return Object.fromEntries(
    Object.entries(serviceOf).map(([name, service]) => {
      const methodsOfService = definition[`etcdserverpb.${service}`] as unknown as Record<string, Method>;
      return [name, methodsOfService[name]!];
    }),
  );
}

function checkSchemes(endpoints: readonly string[]): void {
  if (new Set(endpoints.map((endpoint) => new URL(endpoint).protocol)).size <= 1) return;
  const reason = "some begin with http:, some with https:";
  throw new FairleadError("STORE_UNAVAILABLE", { subject: endpoints.join(","), reason });
}

const unavailableCodes: ReadonlySet<number> = new Set([
  status.unavailable,
  status.deadlineExceeded,
  status.cancelled,
  status.unknown,
]);

export function isUnavailable(error: unknown): boolean {
  return error instanceof GrpcError && unavailableCodes.has(error.code);
}

export function unavailable(subject: string, cause: unknown): FairleadError {
  return new FairleadError("STORE_UNAVAILABLE", { subject, cause });
}
