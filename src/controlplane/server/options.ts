/** What `fairlead server` is told, parsed and checked. */

import type { AuthorizationMode } from "../apiserver/auth/authorizer.ts";
import type { ControllerOptions } from "../controllers/options.ts";

/** Ports of Services of type NodePort, both ends included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port` each. */
  readonly servers: readonly [string, ...string[]];
  /** Files, PEM. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** In front of every key in etcd. */
  readonly prefix: string;
}

export interface SecurityFlags {
  readonly clientCaFile?: string;
  readonly tokenAuthFile?: string;
  readonly servingFiles?: { readonly certificate: string; readonly key: string };
  readonly kubeletAuthorityFile?: string;
  readonly kubeletAddressTypes?: readonly string[];
  readonly serviceAccountIssuers?: readonly [string, ...string[]];
  readonly apiAudiences?: readonly string[];
  readonly anonymousAuth?: boolean;
  readonly authorizationModes?: readonly AuthorizationMode[];
  readonly disabledAdmission?: readonly string[];
}

export interface ServerOptions {
  /** Everything that the server keeps is under it. */
  readonly dataDir: string;
  readonly bindAddress: string;
  /** 0 takes a free one. */
  readonly securePort: number;
  readonly advertiseAddress?: string;
  readonly tlsSans: readonly string[];
  /** One range, or two of two families. */
  readonly serviceCidrs: readonly string[];
  readonly serviceNodePorts: PortRange;
  /** Absent: the embedded store. */
  readonly etcd?: EtcdOptions;
  /** Who serves, and who comes in: as `startControlPlaneApi` takes them. */
  readonly security: SecurityFlags;
  readonly maxRequestsInFlight: number;
  readonly maxMutatingRequestsInFlight: number;
  /** --controllers: "*", names, and names with a "-" in front. */
  readonly controllers: readonly string[];
  readonly controllerOptions: ControllerOptions;
  /** Whether it schedules pods. */
  readonly scheduler: boolean;
  /** Whether controllers and the scheduler act only while a Lease is this server's. */
  readonly leaderElect: boolean;
}
