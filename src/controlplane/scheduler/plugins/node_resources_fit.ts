import type { NodeInfo } from "../cluster/node_info.ts";
import { maxScore, unresolvable, unschedulable, type Plugin, type Rejection } from "../framework/plugin.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { wholeValue } from "../../../model/quantities.ts";
import { resourcesOf, type Resources } from "../../../model/resources.ts";
import type { Node } from "../../../model/kubernetes.ts";

export const nodeResourcesFit: Plugin = {
  name: "NodeResourcesFit",
  filter({ requests }) {
    return { check: (node) => (fits(requests, node) ? undefined : rejection(requests, node)) };
  },
  /** LeastAllocated: the mean of the free shares of CPU and memory. */
  score({ nonZeroRequests: { milliCpu, memory } }) {
    return {
      score({ allocatable, nonZeroMilliCpu, nonZeroMemory }) {
        const resources = (allocatable.milliCpu > 0 ? 1 : 0) + (allocatable.memory > 0 ? 1 : 0);
        if (resources === 0) return 0;
        const cpuShare = freeShare(nonZeroMilliCpu + milliCpu, allocatable.milliCpu);
        const memoryShare = freeShare(nonZeroMemory + memory, allocatable.memory);
        return Math.floor((cpuShare + memoryShare) / resources);
      },
    };
  },
  helps(event, { requests }) {
    switch (event.type) {
      case "PodDelete":
        return true;
      case "PodUpdate":
        return asksForLess(event.pod, event.previous, requests);
      case "NodeAdd":
        return couldFit(requests, event.node);
      case "NodeUpdate":
        return couldFit(requests, event.node) && hasMore(event.node, event.previous);
      default:
        return false;
    }
  },
};

function freeShare(requested: number, allocatable: number): number {
  if (allocatable === 0 || requested > allocatable) return 0;
  return Math.floor(((allocatable - requested) * maxScore) / allocatable);
}

/** The common case, without a word about why. */
function fits(requests: Resources, { pods, allowedPods, requested, allocatable }: NodeInfo): boolean {
  if (pods.size + 1 > allowedPods) return false;
  if (requests.milliCpu > 0 && requests.milliCpu > allocatable.milliCpu - requested.milliCpu) return false;
  if (requests.memory > 0 && requests.memory > allocatable.memory - requested.memory) return false;
  const { ephemeralStorage, scalars } = requests;
  if (ephemeralStorage > 0 && ephemeralStorage > allocatable.ephemeralStorage - requested.ephemeralStorage)
    return false;
  if (scalars.size === 0) return true;
  return [...scalars].every(([name, wanted]) => wanted === 0 || wanted <= freeScalar(name, allocatable, requested));
}

function freeScalar(name: string, allocatable: Resources, requested: Resources): number {
  return (allocatable.scalars.get(name) ?? 0) - (requested.scalars.get(name) ?? 0);
}

/** All that lacks; what the node never has, no pod that goes can give. */
function rejection(requests: Resources, { pods, allowedPods, requested, allocatable }: NodeInfo): Rejection {
  const reasons: string[] = [];
  let isResolvable = true;
  const compare = (name: string, wanted: number, total: number, used: number): void => {
    if (wanted === 0 || wanted <= total - used) return;
    reasons.push(`Insufficient ${name}`);
    if (wanted > total) isResolvable = false;
  };
  if (pods.size + 1 > allowedPods) reasons.push("Too many pods");
  compare("cpu", requests.milliCpu, allocatable.milliCpu, requested.milliCpu);
  compare("memory", requests.memory, allocatable.memory, requested.memory);
  compare("ephemeral-storage", requests.ephemeralStorage, allocatable.ephemeralStorage, requested.ephemeralStorage);
  for (const [name, wanted] of requests.scalars) {
    compare(name, wanted, allocatable.scalars.get(name) ?? 0, requested.scalars.get(name) ?? 0);
  }
  return isResolvable ? unschedulable(...reasons) : unresolvable(...reasons);
}

/** Whether a node alone, without any pod, has the room. */
function couldFit(requests: Resources, { status }: Node): boolean {
  const allocatable = resourcesOf(status?.allocatable);
  if (requests.milliCpu > allocatable.milliCpu || requests.memory > allocatable.memory) return false;
  if (requests.ephemeralStorage > allocatable.ephemeralStorage) return false;
  if (wholeValue(status?.allocatable?.["pods"] ?? "0") < 1) return false;
  return [...requests.scalars].every(([name, wanted]) => wanted <= (allocatable.scalars.get(name) ?? 0));
}

function hasMore({ status: now }: Node, { status: before }: Node): boolean {
  const [more, less] = [resourcesOf(now?.allocatable), resourcesOf(before?.allocatable)];
  if (more.milliCpu > less.milliCpu || more.memory > less.memory) return true;
  if (more.ephemeralStorage > less.ephemeralStorage) return true;
  if (wholeValue(now?.allocatable?.["pods"] ?? "0") > wholeValue(before?.allocatable?.["pods"] ?? "0")) return true;
  return [...more.scalars].some(([name, value]) => value > (less.scalars.get(name) ?? 0));
}

/** A pod on a node was resized to less of what is wanted. */
function asksForLess({ requests: now }: PodInfo, { requests: before }: PodInfo, wanted: Resources): boolean {
  if (wanted.milliCpu > 0 && now.milliCpu < before.milliCpu) return true;
  return wanted.memory > 0 && now.memory < before.memory;
}
