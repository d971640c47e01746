/** Conditions that controllers write into a pod's status. Pure. */
import type { Pod } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";

export interface WantedCondition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason?: string;
  readonly message?: string;
}

/**
 * A strategic merge patch of the status.
 *
 * @returns undefined where the condition is there already
 */
export function conditionPatch({ metadata, status }: Pod, wanted: WantedCondition, nowMs: number): object | undefined {
  const old = status?.conditions?.find(({ type }) => type === wanted.type);
  const isSame = old?.status === wanted.status && old.reason === wanted.reason && old.message === wanted.message;
  if (isSame) return undefined;
  const lastTransitionTime = old?.status === wanted.status ? old.lastTransitionTime : timestamp(nowMs);
  return { metadata: { uid: metadata.uid }, status: { conditions: [{ ...old, ...wanted, lastTransitionTime }] } };
}
