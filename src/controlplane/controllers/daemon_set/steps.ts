/** What a DaemonSet's reconciliation may do. */
import type { EventType } from "../../../api/event_recorder.ts";
import type { Pod } from "../../../model/kubernetes.ts";
import type { HistoryStep } from "./history.ts";

export type Step = HistoryStep | PodStep;

export type PodStep =
  /** A pod on each of the nodes. */
  | { readonly kind: "create-pods"; readonly nodes: readonly string[]; readonly hash: string }
  | { readonly kind: "delete-pods"; readonly pods: readonly Pod[] }
  | { readonly kind: "tell"; readonly type: EventType; readonly reason: string; readonly message: string };

/** What is to be made and deleted, before it is bounded. */
export interface Changes {
  readonly nodes: readonly string[];
  readonly pods: readonly Pod[];
}

/** Pods that one reconciliation makes, and deletes, at most. */
const burst = 250;

export function changeSteps({ nodes, pods }: Changes, hash: string): readonly PodStep[] {
  return [
    ...(nodes.length === 0 ? [] : [{ kind: "create-pods", nodes: nodes.slice(0, burst), hash } as const]),
    ...(pods.length === 0 ? [] : [{ kind: "delete-pods", pods: pods.slice(0, burst) } as const]),
  ];
}
