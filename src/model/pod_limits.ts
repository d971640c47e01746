/**
 * The most that a whole pod may use (component-helpers/resource PodLimits): as its requests add up, but that overhead
 * (KEP-688) is added only to what is limited.
 */
import type { Pod } from "./kubernetes.ts";
import {
  addTo,
  noResources,
  raiseTo,
  resourcesOf,
  setResource,
  type MutableResources,
  type Resources,
} from "./resources.ts";

export interface PodLimits {
  readonly sum: Resources;
  /** Every container has a limit, or the pod has one: the sum bounds the pod. */
  readonly boundsCpu: boolean;
  readonly boundsMemory: boolean;
}

export function podLimits({ spec }: Pod, includesOverhead = true): PodLimits {
  const lists = [...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) =>
    resourcesOf(resources?.limits),
  );
  const sum = containersSum(spec);
  const ofPod = spec.resources?.limits ?? {};
  for (const [name, quantity] of Object.entries(ofPod)) {
    if (name === "cpu" || name === "memory" || name.startsWith("hugepages-")) setResource(sum, name, quantity);
  }
  const own = resourcesOf(ofPod);
  if (includesOverhead) addOverhead(sum, resourcesOf(spec.overhead));
  return {
    sum,
    boundsCpu: own.milliCpu > 0 || lists.every(({ milliCpu }) => milliCpu > 0),
    boundsMemory: own.memory > 0 || lists.every(({ memory }) => memory > 0),
  };
}

function containersSum({ containers, initContainers = [] }: Pod["spec"]): MutableResources {
  const sum = noResources();
  for (const { resources } of containers) addTo(sum, resourcesOf(resources?.limits));
  const sidecars = noResources();
  const peak = noResources();
  for (const { resources, restartPolicy } of initContainers) {
    const limits = resourcesOf(resources?.limits);
    if (restartPolicy === "Always") {
      addTo(sum, limits);
      addTo(sidecars, limits);
      raiseTo(peak, sidecars);
    } else {
      addTo(limits, sidecars);
      raiseTo(peak, limits);
    }
  }
  raiseTo(sum, peak);
  return sum;
}

function addOverhead(sum: MutableResources, overhead: Resources): void {
  if (sum.milliCpu > 0) sum.milliCpu += overhead.milliCpu;
  if (sum.memory > 0) sum.memory += overhead.memory;
  if (sum.ephemeralStorage > 0) sum.ephemeralStorage += overhead.ephemeralStorage;
}
