/** How a set comes to its number of pods (pkg/controller/replicaset manageReplicas). Pure. */
import type { Pod } from "../../../model/kubernetes.ts";
import { rankForDeletion } from "../pods/ranking.ts";
import { nextAvailableInMs } from "../pods/state.ts";
import type { Replicas } from "./replicas.ts";

/** Pods that one reconciliation makes or deletes at most. */
export const burst = 500;

export type Step =
  | { readonly kind: "create-pods"; readonly count: number }
  | { readonly kind: "delete-pods"; readonly pods: readonly Pod[] };

export interface Observed {
  readonly set: Replicas;
  /** The set's own that are neither ended nor being deleted. */
  readonly pods: readonly Pod[];
  /** Pods of the sets of the same owner: the deployment's. */
  readonly related: readonly Pod[];
}

export interface Plan {
  readonly steps: readonly Step[];
  /** When the next pod becomes available, without an event that says so. */
  readonly againAfterMs?: number;
}

export function plan({ set, pods, related }: Observed, nowMs: number): Plan {
  const againAfterMs = nextAvailableInMs(pods, set.spec.minReadySeconds, nowMs);
  const again = againAfterMs === undefined ? {} : { againAfterMs };
  if (set.metadata.deletionTimestamp !== undefined) return { steps: [], ...again };
  const missing = (set.spec.replicas ?? 1) - pods.length;
  if (missing > 0) return { steps: [{ kind: "create-pods", count: Math.min(missing, burst) }], ...again };
  const tooMany = Math.min(-missing, burst);
  if (tooMany === 0) return { steps: [], ...again };
  const ranked = tooMany < pods.length ? rankForDeletion(pods, related, nowMs) : pods;
  return { steps: [{ kind: "delete-pods", pods: ranked.slice(0, tooMany) }], ...again };
}
