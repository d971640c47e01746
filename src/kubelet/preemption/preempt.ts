/** Ends pods so that one that the node cannot do without has room (pkg/kubelet/preemption). */
import type { EventRecorder } from "../../api/event_recorder.ts";
import type { Pod } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { Shortage } from "../admission/fit.ts";
import type { Rejection } from "../admission/rejection.ts";
import type { NodeMetrics } from "../node/metrics.ts";
import type { Evictable } from "../eviction/manager.ts";
import { left, planPreemption } from "./plan.ts";

export interface PreemptionOptions {
  readonly pods: () => readonly Evictable[];
  readonly events: EventRecorder;
  readonly metrics?: Pick<NodeMetrics, "preempted">;
  readonly clock: Clock;
}

/** Resolves when those that make room have ended, or had their time. @returns why there can be no room */
export type Preempt = (pod: Pod, shortages: readonly Shortage[]) => Promise<Rejection | undefined>;

const message = "Preempted in order to admit critical pod";
const pollMs = 100;
/** Of a pod's own grace period, and at least so long (killPodNow). */
const timeoutShare = 1.5;
const leastTimeoutMs = 10_000;

export function preemption({ pods, events, metrics, clock }: PreemptionOptions): Preempt {
  return async (pod, shortages) => {
    const active = pods().filter(({ isActive }) => isActive);
    const objects = active.map((one) => one.pod);
    const victims = planPreemption(pod, objects, shortages);
    if (!victims) return noRoom(left(shortages, []));
    const ending = active.filter((one) => victims.includes(one.pod));
    for (const one of ending) {
      events.event(one.pod, "Warning", "Preempting", message);
      // Of several that are short, upstream counts by the first.
      metrics?.preempted(shortages[0]?.name ?? "");
      one.evict({ reason: "Preempting", message, disruption: message }, graceSeconds(one.pod));
    }
    const longestMs = Math.max(leastTimeoutMs, ...victims.map((one) => graceSeconds(one) * 1000 * timeoutShare));
    const untilMs = clock.now() + longestMs;
    while (!ending.every(({ hasEnded }) => hasEnded) && clock.now() < untilMs) {
      await new Promise<void>((resolve) => clock.after(pollMs, resolve));
    }
    return undefined;
  };
}

function graceSeconds({ spec }: Pod): number {
  return spec.terminationGracePeriodSeconds ?? 30;
}

function noRoom(shortages: readonly Shortage[]): Rejection {
  const list = shortages.map(({ name, amount }) => `(res: ${name}, q: ${amount}), `).join("");
  const why = `preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [${list}]`;
  return {
    reason: "UnexpectedAdmissionError",
    message: `Unexpected error while attempting to recover from admission failure: ${why}`,
  };
}
