/** What a whole pod asks for (component-helpers/resource PodRequests): overhead (KEP-688) comes on top of the sum. */
import type { V1Container } from "@kubernetes/client-node";
import type { Json, Pod } from "./kubernetes.ts";
import { podSum, type ContainerResources } from "./pod_sum.ts";
import { addTo, compact, copyOf, raiseTo, resourcesOf, type MutableResources, type Resources } from "./resources.ts";

/** Scoring takes a container that asks for nothing as one that needs this (pkg/scheduler/util DefaultMilliCPURequest). */
const defaultMilliCpu = 100;
const defaultMemory = 200 * 1024 * 1024;

export function podRequests(pod: Pod): Resources {
  return compact(sumOf(pod, (container) => containerRequests(pod, container)));
}

/** The same where each container asks for some CPU and memory, for scores. */
export function podNonZeroRequests(pod: Pod): Resources {
  const requests: ContainerResources = (container) => {
    const resources = containerRequests(pod, container);
    const asked = container.resources?.requests ?? {};
    if (asked["cpu"] === undefined) resources.milliCpu = defaultMilliCpu;
    if (asked["memory"] === undefined) resources.memory = defaultMemory;
    return resources;
  };
  return compact(sumOf(pod, requests));
}

function sumOf(pod: Pod, requests: ContainerResources): MutableResources {
  const sum = podSum(pod, requests, pod.spec.resources?.requests);
  if (pod.spec.overhead) addTo(sum, resourcesOf(pod.spec.overhead));
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
