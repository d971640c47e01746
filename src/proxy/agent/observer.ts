/** What others hear of the proxy's work: metrics, health, conntrack. */
import type { IpFamily } from "../../model/service.ts";
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";
import type { Kept } from "./kept.ts";
import type { WantedPort } from "../derive/derive.ts";

/** A service port that was derived anew. */
export interface PortChange {
  /** "namespace/name:port/TCP" */
  readonly name: string;
  readonly before: WantedPort | undefined;
  readonly after: WantedPort | undefined;
}

/** What one turn did to one family. */
export interface FamilySync {
  readonly family: IpFamily;
  readonly changes: readonly PortChange[];
  /** Steps that the kernel carried out. */
  readonly steps: number;
  /** The table was observed and corrected, rather than changed by what was known. */
  readonly repaired: boolean;
  readonly durationMs: number;
}

export interface SyncObserver {
  /** Something changed that waits to be programmed. @param changed as it is now; of a deleted one, as it was */
  onPending?(changed: Pick<Kept<Service | EndpointSlice>, "kind" | "owner" | "object">): void;
  /** A Service was derived anew; undefined: it is gone. Before onSynced. @param key "namespace/name" */
  onService?(key: string, service: Service | undefined, slices: readonly EndpointSlice[]): void;
  /** The kernel holds what was wanted. The next turn waits for it. */
  onSynced?(sync: FamilySync): void | Promise<void>;
  /** It is tried again. */
  onFailed?(family: IpFamily, error: unknown): void;
  /** Every family holds what was wanted when the turn began. */
  onTurn?(durationMs: number): void;
}
