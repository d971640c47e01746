/** Whether what a pod asks for is left on the node (pkg/scheduler AdmissionCheck, plugins noderesources). */
import type { Pod } from "../../model/kubernetes.ts";
import { podRequests } from "../../model/pod_requests.ts";
import { addTo, noResources, resourcesOf, type Resources } from "../../model/resources.ts";
import type { Rejection } from "./rejection.ts";

type Amounts = Readonly<Record<string, string>>;

/** @returns the first that there is not enough of */
export function unfit(pod: Pod, others: readonly Pod[], allocatable: Amounts): Rejection | undefined {
  const pods = Number(allocatable["pods"] ?? 0);
  if (others.length + 1 > pods) return lacks("pods", 1, others.length, pods);
  const asked = podRequests(pod);
  const used = noResources();
  for (const other of others) addTo(used, podRequests(other));
  const has = resourcesOf(allocatable);
  for (const [name, of] of plain) {
    if (of(asked) > 0 && of(asked) > of(has) - of(used)) return lacks(name, of(asked), of(used), of(has));
  }
  for (const [name, amount] of asked.scalars) {
    const capacity = has.scalars.get(name);
    // Extended resources that the node does not know are the cluster's.
    if (capacity === undefined && !name.startsWith("hugepages-")) continue;
    const taken = used.scalars.get(name) ?? 0;
    if (amount > 0 && amount > (capacity ?? 0) - taken) return lacks(name, amount, taken, capacity ?? 0);
  }
  return undefined;
}

const plain: readonly (readonly [string, (resources: Resources) => number])[] = [
  ["cpu", ({ milliCpu }) => milliCpu],
  ["memory", ({ memory }) => memory],
  ["ephemeral-storage", ({ ephemeralStorage }) => ephemeralStorage],
];

/** CPU is in thousandths. */
function lacks(name: string, requested: number, used: number, capacity: number): Rejection {
  const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { reason: `OutOf${name}`, message: `Node didn't have enough resource: ${name}, ${amounts}` };
}
