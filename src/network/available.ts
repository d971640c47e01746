/** The condition by which schedulers learn that pods of this node reach others: who makes the network sets it, as flannel does. */
import type { Node } from "../model/kubernetes.ts";
import { timestamp } from "../model/timestamp.ts";

export const networkUnavailable = "NetworkUnavailable";

type Condition = NonNullable<NonNullable<Node["status"]>["conditions"]>[number];

/** @returns what is to be written; undefined: it is there */
export function availableCondition({ status }: Node, nowMs: number): Condition | undefined {
  const there = status?.conditions?.find(({ type }) => type === networkUnavailable);
  if (there?.status === "False") return undefined;
  const now = timestamp(nowMs);
  return {
    type: networkUnavailable,
    status: "False",
    reason: "FairleadIsUp",
    message: "Fairlead is running on this node",
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
}
