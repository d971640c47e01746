/** Calls to one etcd cluster over gRPC: one connection at a time, the next endpoint when it fails. */
import * as grpc from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import protobuf from "protobufjs";
import { FairleadError } from "../../../errors/catalogue.ts";
import { rpcProto, type UnaryCalls, type WatchResponse } from "./rpc.ts";

export interface EtcdClientOptions {
  /** `http://host:port` or `https://host:port`, all of one scheme. */
  readonly endpoints: readonly [string, ...string[]];
  /** PEM; with https only. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  /** Bound of one call in ms. Default 5,000. */
  readonly timeoutMs?: number;
}

interface UnaryMethod {
  (
    request: object,
    options: grpc.CallOptions,
    callback: (error: grpc.ServiceError | null, response: unknown) => void,
  ): unknown;
}
type EtcdService = grpc.Client & Record<string, UnaryMethod>;
export type WatchStream = grpc.ClientDuplexStream<object, WatchResponse>;

interface Connection {
  readonly endpoint: string;
  readonly KV: EtcdService;
  readonly Lease: EtcdService;
  readonly Watch: EtcdService;
}

const serviceOf = { Range: "KV", Txn: "KV", Compact: "KV", LeaseGrant: "Lease" } as const;

export class EtcdClient {
  readonly #options: EtcdClientOptions;
  readonly #credentials: grpc.ChannelCredentials;
  #next = 0;
  #connection: Connection | undefined;
  #closed = false;

  constructor(options: EtcdClientOptions) {
    this.#options = options;
    this.#credentials = credentialsOf(options);
  }

  /**
   * Carries out one call; an endpoint that does not answer is left for the next one, each tried once.
   * Reads and compare-and-write alone are sent again: a write may have been carried out by the one that failed.
   *
   * @throws FairleadError STORE_UNAVAILABLE; grpc.ServiceError for what etcd itself refuses
   */
  async call<M extends keyof UnaryCalls>(method: M, request: UnaryCalls[M][0]): Promise<UnaryCalls[M][1]> {
    const attempts = method === "Range" ? this.#options.endpoints.length : 1;
    for (let attempt = 1; ; attempt++) {
      const connection = this.#connect();
      try {
        return await this.#callOn(connection, method, request);
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        this.#leave(connection);
        if (attempt >= attempts) throw unavailable(connection.endpoint, error);
      }
    }
  }

  /** Opens a stream of watches on the current endpoint. */
  watch(): WatchStream {
    const connection = this.#connect();
    const open = connection.Watch["Watch"] as unknown as () => WatchStream;
    const stream = open.call(connection.Watch);
    stream.once("error", (error) => {
      if (isUnavailable(error)) this.#leave(connection);
    });
    return stream;
  }

  /** Idempotent; later calls are refused. */
  close(): void {
    this.#closed = true;
    if (this.#connection) closeConnection(this.#connection);
    this.#connection = undefined;
  }

  #callOn<M extends keyof UnaryCalls>(connection: Connection, method: M, request: object): Promise<UnaryCalls[M][1]> {
    const service = connection[serviceOf[method]];
    const deadline = Date.now() + (this.#options.timeoutMs ?? 5000);
    return new Promise((resolve, reject) => {
      service[method]!(request, { deadline }, (error, response) => {
        if (error) reject(error);
        else resolve(response as UnaryCalls[M][1]);
      });
    });
  }

  #connect(): Connection {
    if (this.#closed) {
      throw new FairleadError("STORE_UNAVAILABLE", {
        subject: this.#options.endpoints[0],
        reason: "the store is closed",
      });
    }
    this.#connection ??= this.#open(this.#options.endpoints[this.#next % this.#options.endpoints.length]!);
    return this.#connection;
  }

  #leave(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#next++;
    this.#connection = undefined;
    closeConnection(connection);
  }

  #open(endpoint: string): Connection {
    const { host } = new URL(endpoint);
    // A range of large objects is longer than gRPC's default of 4 MiB.
    const options = {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": 10_000,
    };
    const make = (name: string): EtcdService =>
      new (services()[name]!)(host, this.#credentials, options) as EtcdService;
    return { endpoint, KV: make("KV"), Lease: make("Lease"), Watch: make("Watch") };
  }
}

let serviceConstructors: Record<string, grpc.ServiceClientConstructor> | undefined;

function services(): Record<string, grpc.ServiceClientConstructor> {
  if (!serviceConstructors) {
    const json = protobuf.parse(rpcProto, { keepCase: true }).root.toJSON();
    // Revisions and our own lease ids stay below 2^53; other ids of etcd's are not read.
    const definition = fromJSON(json, { keepCase: true, longs: Number, enums: String, defaults: true, arrays: true });
    serviceConstructors = grpc.loadPackageDefinition(definition)[
      "etcdserverpb"
    ] as unknown as typeof serviceConstructors;
  }
  return serviceConstructors!;
}

function credentialsOf(options: EtcdClientOptions): grpc.ChannelCredentials {
  const schemes = new Set(options.endpoints.map((endpoint) => new URL(endpoint).protocol));
  if (schemes.size > 1) {
    const reason = "some begin with http:, some with https:";
    throw new FairleadError("STORE_UNAVAILABLE", { subject: options.endpoints.join(","), reason });
  }
  if (!schemes.has("https:")) return grpc.credentials.createInsecure();
  return grpc.credentials.createSsl(options.tls?.ca ?? null, options.tls?.key ?? null, options.tls?.cert ?? null);
}

function closeConnection(connection: Connection): void {
  for (const service of [connection.KV, connection.Lease, connection.Watch]) service.close();
}

export function isUnavailable(error: unknown): boolean {
  const code = (error as Partial<grpc.ServiceError>).code;
  return (
    code === grpc.status.UNAVAILABLE ||
    code === grpc.status.DEADLINE_EXCEEDED ||
    code === grpc.status.CANCELLED ||
    code === grpc.status.UNKNOWN
  );
}

export function unavailable(subject: string, cause: unknown): FairleadError {
  return new FairleadError("STORE_UNAVAILABLE", { subject, cause });
}
