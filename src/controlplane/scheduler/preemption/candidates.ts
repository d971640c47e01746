/** Which node's victims are the least loss (pkg/scheduler/framework/preemption pickOneNodeForPreemption). */
import { startedAt, type Candidate } from "./victims.ts";

/** So that more victims are a larger sum, whatever the sign of their priorities: 2^31. */
const priorityOffset = 2 ** 31;

/** In this order, each deciding among those that are alike so far; the lower value is better. */
const losses: readonly ((candidate: Candidate) => number)[] = [
  ({ violations }) => violations,
  ({ victims }) => victims[0]!.priority,
  ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + priorityOffset, 0),
  ({ victims }) => victims.length,
  // Of the most important victims the one that runs longest: let it be as young as can be.
  ({ victims }) => -Math.min(...victims.filter(({ priority }) => priority === victims[0]!.priority).map(startedAt)),
];

export function leastLoss(candidates: readonly Candidate[]): Candidate {
  let left = candidates;
  for (const loss of losses) {
    if (left.length === 1) break;
    const values = left.map(loss);
    const least = Math.min(...values);
    left = left.filter((_, i) => values[i] === least);
  }
  return left[0]!;
}
