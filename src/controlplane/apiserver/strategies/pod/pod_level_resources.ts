/** Resources of a pod as a whole (KEP-2837): their defaults from those of its containers, and sums. */
import { formatQuantity, nanos, parseQuantity } from "../../../../model/quantity.ts";
import { isHugePages, isOvercommitAllowed, type ResourceList } from "../../validation/resources.ts";
import { isSidecar, type PodSpec } from "./model.ts";

const isPodLevel = (name: string): boolean => name === "cpu" || name === "memory" || isHugePages(name);

/** Requests that lack are what the containers ask for together, or else the limits. */
export function defaultPodLevelResources(spec: PodSpec): void {
  const { resources } = spec;
  if (!resources?.limits || Object.keys(resources.limits).length === 0) return;
  const requests: ResourceList = { ...resources.requests };
  for (const [name, amount] of Object.entries(containerRequests(spec))) {
    if (isPodLevel(name) && isOvercommitAllowed(name)) requests[name] ??= amount;
  }
  for (const [name, amount] of Object.entries(resources.limits)) if (isPodLevel(name)) requests[name] ??= amount;
  resources.requests = requests;
}

/**
 * What the containers of a pod request together: containers and sidecars run at once, each init
 * container beside the sidecars before it (component-helpers/resource, AggregateContainerRequests).
 */
export function containerRequests(spec: PodSpec): ResourceList {
  let running: ResourceList = {};
  for (const { resources } of spec.containers ?? []) running = sum(running, resources?.requests ?? {});
  let sidecars: ResourceList = {};
  let starting: ResourceList = {};
  for (const container of spec.initContainers ?? []) {
    const requests = container.resources?.requests ?? {};
    if (isSidecar(container)) {
      running = sum(running, requests);
      sidecars = sum(sidecars, requests);
      starting = larger(starting, sidecars);
    } else starting = larger(starting, sum(sidecars, requests));
  }
  return larger(running, starting);
}

function sum(a: ResourceList, b: ResourceList): ResourceList {
  const total = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    const { nanos: more, format } = parseQuantity(amount);
    total[name] = formatQuantity({ nanos: nanos(total[name]) + more, format });
  }
  return total;
}

function larger(a: ResourceList, b: ResourceList): ResourceList {
  const result = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    if (result[name] === undefined || nanos(amount) > nanos(result[name])) result[name] = amount;
  }
  return result;
}
