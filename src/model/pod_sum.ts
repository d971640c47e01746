/**
 * What a whole pod comes to (component-helpers/resource AggregateContainerRequests, AggregateContainerLimits): containers
 * run together, init containers one after another beside the sidecars that were started before them (KEP-753), and what
 * is said at the pod's level (KEP-2837) takes the place of the sum.
 */
import type { V1Container } from "@kubernetes/client-node";
import type { Json, Pod } from "./kubernetes.ts";
import { addTo, noResources, raiseTo, setResource, type MutableResources, type Quantities } from "./resources.ts";

/** Of one container: an object of its own, which is added to. */
export type ContainerResources = (container: Json<V1Container>) => MutableResources;

/** @param ofPod the pod's own requests or limits */
export function podSum({ spec }: Pod, of: ContainerResources, ofPod: Quantities = {}): MutableResources {
  const sum = noResources();
  for (const container of spec.containers) addTo(sum, of(container));
  const sidecars = noResources();
  const peak = noResources();
  for (const container of spec.initContainers ?? []) {
    const resources = of(container);
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
  for (const [name, quantity] of Object.entries(ofPod)) {
    if (name === "cpu" || name === "memory" || name.startsWith("hugepages-")) setResource(sum, name, quantity);
  }
  return sum;
}
