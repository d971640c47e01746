/** What others hear of the proxy's work: metrics, health, conntrack. */
import type { IpFamily } from "../../model/service.ts";
import type { IpAddress } from "../../model/address.ts";
import type { EndpointSlice, Node, Service } from "../../model/kubernetes.ts";
import type { Kept } from "./kept.ts";
import type { WantedPort } from "../derive/derive.ts";
import type { Problem } from "../derive/problems.ts";

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
  /** This node's addresses that serve node ports now. */
  readonly nodePortAddresses: readonly IpAddress[];
}

/** Something changed that waits to be programmed. */
export type Pending = Pick<Kept<Service | EndpointSlice>, "kind" | "owner" | "object">;

export interface SyncObserver {
  /** @param changed as it is now; of one that is gone, as it was */
  onPending?(changed: Pending, isGone: boolean): void;
  /**
   * A Service was derived anew; undefined: it is gone. Before onSynced.
   *
   * @param key "namespace/name"
   * @param problems what of it cannot be served
   */
  onService?(
    key: string,
    service: Kept<Service> | undefined,
    slices: readonly Kept<EndpointSlice>[],
    problems: readonly Problem[],
  ): void;
  /** The kernel holds what was wanted. The next turn waits for it. */
  onSynced?(sync: FamilySync): void | Promise<void>;
  /** It is tried again. */
  onFailed?(family: IpFamily, error: unknown): void;
  /** Every family holds what was wanted when the turn began. */
  onTurn?(durationMs: number): void;
  /** This node came or changed; undefined: it is gone. */
  onNode?(node: Node | undefined): void;
}

/** Tells several. */
export function joinObservers(observers: readonly SyncObserver[]): SyncObserver {
  return {
    onPending: (changed, isGone) => observers.forEach((one) => one.onPending?.(changed, isGone)),
    onService: (...derived) => observers.forEach((one) => one.onService?.(...derived)),
    onSynced: async (sync) => {
      for (const one of observers) await one.onSynced?.(sync);
    },
    onFailed: (family, error) => observers.forEach((one) => one.onFailed?.(family, error)),
    onTurn: (durationMs) => observers.forEach((one) => one.onTurn?.(durationMs)),
    onNode: (node) => observers.forEach((one) => one.onNode?.(node)),
  };
}
