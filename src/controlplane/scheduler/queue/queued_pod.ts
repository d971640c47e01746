/** A pod that waits for a node, and what became of it so far. */
import type { PodInfo } from "../model/pod_info.ts";

export type Place =
  /** Next to be scheduled. */
  | "active"
  /** Not before its back-off is over. */
  | "backoff"
  /** Until something happens that could help it. */
  | "unschedulable"
  /** Its scheduling gates are closed. */
  | "gated"
  /** In a cycle or being bound. */
  | "inFlight"
  /** Deleted, or on a node. */
  | "gone";

export interface QueuedPod {
  info: PodInfo;
  place: Place;
  /** Cycles that it has had. */
  attempts: number;
  /** When it came to wait, in ms: the order among equal priorities, and what back-off is counted from. */
  since: number;
  /** Names of the plugins that rejected it in its last cycle; empty: any event may help. */
  rejectedBy: ReadonlySet<string>;
  /** When its back-off is over, in ms. */
  readyAt: number;
  /** Its victims are being deleted: until that is done it is not woken, "woken" is remembered. */
  held: "no" | "held" | "woken";
  /** Distinguishes this stay in a heap from former ones, which are skipped there. */
  turn: number;
}

/** Order of the queue (PrioritySort): higher priorities first, then who waits longer. */
export function comesBefore(a: Stay, b: Stay): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.at !== b.at) return a.at < b.at;
  return a.turn < b.turn;
}

/** A pod's stay in a heap. */
export interface Stay {
  readonly pod: QueuedPod;
  readonly priority: number;
  readonly at: number;
  readonly turn: number;
}
