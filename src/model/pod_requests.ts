/**
 * What a whole pod asks for (component-helpers/resource PodRequests): containers run together, init containers one
 * after another beside the sidecars that were started before them (KEP-753), overhead (KEP-688) comes on top, and
 * what is asked for at the pod's level (KEP-2837) takes the place of the sum.
 */
import type { V1Container } from "@kubernetes/client-node";
import type { Json, Pod } from "./kubernetes.ts";
import {
  addTo,
  compact,
  copyOf,
  noResources,
  raiseTo,
  resourcesOf,
  setResource,
  type MutableResources,
  type Resources,
} from "./resources.ts";

/** Scoring takes a container that asks for nothing as one that needs this (pkg/scheduler/util DefaultMilliCPURequest). */
const defaultMilliCpu = 100;
const defaultMemory = 200 * 1024 * 1024;

type ContainerRequests = (container: Json<V1Container>) => MutableResources;

export function podRequests(pod: Pod): Resources {
  return compact(sumOf(pod, (container) => containerRequests(pod, container)));
}

/** The same where each container asks for some CPU and memory, for scores. */
export function podNonZeroRequests(pod: Pod): Resources {
  const requests: ContainerRequests = (container) => {
    const resources = containerRequests(pod, container);
    const asked = container.resources?.requests ?? {};
    if (asked["cpu"] === undefined) resources.milliCpu = defaultMilliCpu;
    if (asked["memory"] === undefined) resources.memory = defaultMemory;
    return resources;
  };
  return compact(sumOf(pod, requests));
}

function sumOf({ spec }: Pod, requests: ContainerRequests): MutableResources {
  const sum = noResources();
  for (const container of spec.containers) addTo(sum, requests(container));
  const sidecars = noResources();
  const peak = noResources();
  for (const container of spec.initContainers ?? []) {
    const resources = requests(container);
    if (container.restartPolicy === "Always") {
      addTo(sum, resources);
      addTo(sidecars, resources);
      raiseTo(peak, sidecars);
    } else {
      addTo(resources, sidecars);
      raiseTo(peak, resources);
    }
  }
  raiseTo(sum, peak);
  for (const [name, quantity] of Object.entries(spec.resources?.requests ?? {})) {
    if (name === "cpu" || name === "memory" || name.startsWith("hugepages-")) setResource(sum, name, quantity);
  }
  if (spec.overhead) addTo(sum, resourcesOf(spec.overhead));
  return sum;
}

/** While a container is resized in place, the larger of what it has and what it is to have counts (KEP-1287). */
function containerRequests({ status }: Pod, { name, resources }: Json<V1Container>): MutableResources {
  const wanted = resourcesOf(resources?.requests);
  const statuses = status?.containerStatuses ?? [];
  const actual = statuses.find((container) => container.name === name);
  if (!actual?.resources?.requests && !actual?.allocatedResources) return wanted;
  const most = copyOf(wanted);
  raiseTo(most, resourcesOf(actual.resources?.requests));
  raiseTo(most, resourcesOf(actual.allocatedResources));
  return most;
}
