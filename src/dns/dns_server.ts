/** Cluster DNS as a whole: what follows the API, what asks other servers, and the sockets. */
import type { Client } from "../api/client.ts";
import { ClusterFollower } from "./follow.ts";
import { decodeAddress, type UpstreamAddress } from "./forward/decode.ts";
import { Forwarder } from "./forward/forwarder.ts";
import { Handler } from "./handler.ts";
import { DnsMetrics } from "./metrics.ts";
import { ClusterIndex } from "./records/cluster_index.ts";
import { Resolver } from "./resolver.ts";
import { TcpServer } from "./server/tcp.ts";
import { UdpServer } from "./server/udp.ts";

export interface DnsServerOptions {
  readonly client: Client;
  readonly bindAddresses: readonly string[];
  /** 0: one that is free. */
  readonly port: number;
  readonly clusterDomain: string;
  readonly upstreams: readonly UpstreamAddress[];
  readonly stubDomains: ReadonlyMap<string, readonly UpstreamAddress[]>;
  /** How long others' answers are kept at most. */
  readonly cacheSeconds: number;
  readonly version: string;
  readonly onError: (resource: string, error: unknown) => void;
}

export class DnsServer {
  readonly index: ClusterIndex;
  readonly metrics: DnsMetrics;
  readonly #follower: ClusterFollower;
  readonly #handler: Handler;
  readonly #options: DnsServerOptions;
  readonly #sockets: (UdpServer | TcpServer)[] = [];

  constructor(options: DnsServerOptions) {
    const { client, clusterDomain, stubDomains, cacheSeconds, onError } = options;
    this.#options = options;
    const now = Date.now;
    const tick = (): number => performance.now();
    this.index = new ClusterIndex(clusterDomain);
    this.metrics = new DnsMetrics(`dns://:${options.port}`, now);
    const upstreams = withoutOurselves(options.upstreams, options);
    const forwarder = new Forwarder({ upstreams, stubDomains, cacheSeconds, now, observer: this.metrics });
    this.#follower = new ClusterFollower({
      client,
      index: this.index,
      onError,
      onSlice: (triggered, isHeadless) => {
        if (this.isSynced) this.metrics.programmed(triggered, isHeadless);
      },
    });
    const resolver = new Resolver({ index: this.index, forwarder, isSynced: () => this.isSynced, now });
    this.#handler = new Handler({ resolver, tick, onServed: (served) => this.metrics.served(served, tick()) });
    this.metrics.follow({ cached: (kind) => forwarder.cached(kind), version: options.version });
  }

  /** Whether the cluster's names are known. */
  get isSynced(): boolean {
    return this.#follower.isSynced;
  }

  /** Resolves when questions are heard; the cluster's names may come later. @throws FairleadError LISTEN */
  async start(): Promise<void> {
    this.#follower.start();
    try {
      for (const host of this.#options.bindAddresses) await this.#listen(host);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  synced(timeoutMs: number): Promise<boolean> {
    return this.#follower.synced(timeoutMs);
  }

  /** Of the first address. */
  get port(): number {
    return this.#sockets[0]!.port;
  }

  async close(): Promise<void> {
    this.#follower.stop();
    await Promise.all(this.#sockets.splice(0).map((socket) => socket.close()));
  }

  async #listen(host: string): Promise<void> {
    const tcp = await TcpServer.open({ host, port: this.#options.port }, this.#handler);
    this.#sockets.push(tcp);
    // Both on one port, also on one that was free.
    this.#sockets.push(await UdpServer.open({ host, port: tcp.port }, this.#handler));
  }
}

/** A server that we are would ask itself. */
function withoutOurselves(
  upstreams: readonly UpstreamAddress[],
  { bindAddresses, port }: DnsServerOptions,
): readonly UpstreamAddress[] {
  const own = new Set(bindAddresses.flatMap((address) => decodeAddress(address)?.host ?? []));
  const isEverywhere = own.has("0.0.0.0") || own.has("::");
  return upstreams.filter((server) => {
    const isLoopback = server.host.startsWith("127.") || server.host === "::1";
    return server.port !== port || !(own.has(server.host) || (isEverywhere && isLoopback));
  });
}
