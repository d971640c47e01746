/**
 * The most that a whole pod may use (component-helpers/resource PodLimits): as its requests add up, but that overhead
 * (KEP-688) is added only to what is limited.
 */
import type { Pod } from "./kubernetes.ts";
import { podSum } from "./pod_sum.ts";
import { resourcesOf, type MutableResources, type Resources } from "./resources.ts";

export interface PodLimits {
  readonly sum: Resources;
  /** Every container has a limit, or the pod has one: the sum bounds the pod. */
  readonly boundsCpu: boolean;
  readonly boundsMemory: boolean;
}

export function podLimits(pod: Pod, includesOverhead = true): PodLimits {
  const { spec } = pod;
  const lists = [...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) =>
    resourcesOf(resources?.limits),
  );
  const ofPod = spec.resources?.limits;
  const sum = podSum(pod, ({ resources }) => resourcesOf(resources?.limits), ofPod);
  const own = resourcesOf(ofPod);
  if (includesOverhead) addOverhead(sum, resourcesOf(spec.overhead));
  return {
    sum,
    boundsCpu: own.milliCpu > 0 || lists.every(({ milliCpu }) => milliCpu > 0),
    boundsMemory: own.memory > 0 || lists.every(({ memory }) => memory > 0),
  };
}

function addOverhead(sum: MutableResources, overhead: Resources): void {
  if (sum.milliCpu > 0) sum.milliCpu += overhead.milliCpu;
  if (sum.memory > 0) sum.memory += overhead.memory;
  if (sum.ephemeralStorage > 0) sum.ephemeralStorage += overhead.ephemeralStorage;
}
