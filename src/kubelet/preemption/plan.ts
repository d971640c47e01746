/**
 * Which pods make room for one that the node cannot do without (pkg/kubelet/preemption): of the lowest classes, as few as
 * may be, and of those the ones that ask for least.
 */
import type { Pod } from "../../model/kubernetes.ts";
import { podRequests } from "../../model/pod_requests.ts";
import type { QosClass } from "../../model/qos_class.ts";
import { isCritical } from "../admission/critical.ts";
import { amountOf, type Shortage } from "../admission/fit.ts";
import { qosClassOf } from "../pods/containers.ts";

/** @returns undefined: all of them together have not enough; who is left over is in no order */
export function planPreemption(
  pod: Pod,
  active: readonly Pod[],
  shortages: readonly Shortage[],
): readonly Pod[] | undefined {
  const preemptable = active.filter((other) => isPreemptable(pod, other));
  if (left(shortages, preemptable).length > 0) return undefined;
  const of = (qos: QosClass): readonly Pod[] => preemptable.filter((other) => qosClassOf(other) === qos);
  const [bestEffort, burstable] = [of("BestEffort"), of("Burstable")];
  const guaranteed = nearest(of("Guaranteed"), left(shortages, [...bestEffort, ...burstable]));
  const middle = nearest(burstable, left(shortages, [...bestEffort, ...guaranteed]));
  const lowest = nearest(bestEffort, left(shortages, [...middle, ...guaranteed]));
  return [...lowest, ...middle, ...guaranteed];
}

function isPreemptable(pod: Pod, other: Pod): boolean {
  if (isCritical(pod) && !isCritical(other)) return true;
  const [own, its] = [pod.spec.priority, other.spec.priority];
  return own !== undefined && its !== undefined && own > its;
}

/** What is still short once these are gone. */
export function left(shortages: readonly Shortage[], gone: readonly Pod[]): readonly Shortage[] {
  return shortages.flatMap(({ name, amount }) => {
    const rest = gone.reduce((sum, pod) => sum - amountOf(podRequests(pod), name), amount);
    return rest > 0 ? [{ name, amount: rest }] : [];
  });
}

/** One after another, each time the one that comes nearest to what is still short. */
function nearest(pods: readonly Pod[], shortages: readonly Shortage[]): readonly Pod[] {
  const chosen: Pod[] = [];
  let rest = shortages;
  let candidates = pods;
  while (rest.length > 0 && candidates.length > 0) {
    const short = rest;
    const best = candidates.reduce((one, other) => (comesNearer(other, one, short) ? other : one));
    chosen.push(best);
    candidates = candidates.filter((pod) => pod !== best);
    rest = left(rest, [best]);
  }
  return chosen;
}

function comesNearer(pod: Pod, than: Pod, shortages: readonly Shortage[]): boolean {
  const [own, its] = [distance(pod, shortages), distance(than, shortages)];
  return own === its ? asksForLess(pod, than) : own < its;
}

/** Each resource counts alike, by the part of it that would still be short. */
function distance(pod: Pod, shortages: readonly Shortage[]): number {
  const requests = podRequests(pod);
  return shortages.reduce((sum, { name, amount }) => {
    const rest = Math.max(0, amount - amountOf(requests, name));
    return sum + (rest / amount) ** 2;
  }, 0);
}

function asksForLess(pod: Pod, than: Pod): boolean {
  const [own, its] = [podRequests(pod), podRequests(than)];
  return own.memory === its.memory ? own.milliCpu <= its.milliCpu : own.memory < its.memory;
}
