/** What the kernel has counted of virtual servers (IPVS) and of the real servers behind them. */
import type { IpAddress } from "./address.ts";
import type { Protocol } from "./service.ts";

export interface ServerTraffic {
  readonly connections: bigint;
  readonly packetsIn: bigint;
  readonly packetsOut: bigint;
  readonly bytesIn: bigint;
  readonly bytesOut: bigint;
}

export interface ServerCount {
  /** "namespace/name:port" */
  readonly service: string;
  readonly protocol: Protocol;
  readonly address: IpAddress;
  readonly port: number;
  readonly counters: ServerTraffic;
  readonly destinations: readonly DestinationCount[];
}

export interface DestinationCount {
  readonly address: IpAddress;
  readonly port: number;
  /** 0: it is ending. */
  readonly weight: number;
  /** Connections now: of TCP established ones, and all others that are kept. */
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly counters: ServerTraffic;
}
