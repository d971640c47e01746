/** Whether what a pod asks for is left on the node (pkg/scheduler AdmissionCheck, plugins noderesources). */
import type { Pod } from "../../model/kubernetes.ts";
import { podRequests } from "../../model/pod_requests.ts";
import { addTo, noResources, resourcesOf, type Resources } from "../../model/resources.ts";
import type { Rejection } from "./rejection.ts";

type Amounts = Readonly<Record<string, string>>;

/** What is missing of a resource; CPU is in thousandths. */
export interface Shortage {
  readonly name: string;
  readonly amount: number;
}

interface Lack extends Shortage {
  readonly requested: number;
  readonly used: number;
  readonly capacity: number;
}

/** @returns the first that there is not enough of */
export function unfit(pod: Pod, others: readonly Pod[], allocatable: Amounts): Rejection | undefined {
  const [first] = lacks(pod, others, allocatable);
  if (!first) return undefined;
  const { name, requested, used, capacity } = first;
  const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { reason: `OutOf${name}`, message: `Node didn't have enough resource: ${name}, ${amounts}` };
}

export function shortagesOf(pod: Pod, others: readonly Pod[], allocatable: Amounts): readonly Shortage[] {
  return [...lacks(pod, others, allocatable)].map(({ name, amount }) => ({ name, amount }));
}

export function amountOf(requests: Resources, name: string): number {
  if (name === "pods") return 1;
  return plain.find(([one]) => one === name)?.[1](requests) ?? requests.scalars.get(name) ?? 0;
}

function* lacks(pod: Pod, others: readonly Pod[], allocatable: Amounts): Generator<Lack> {
  const pods = Number(allocatable["pods"] ?? 0);
  if (others.length + 1 > pods) yield lack("pods", 1, others.length, pods);
  const asked = podRequests(pod);
  const used = noResources();
  for (const other of others) addTo(used, podRequests(other));
  const has = resourcesOf(allocatable);
  for (const [name, of] of plain) {
    if (of(asked) > 0 && of(asked) > of(has) - of(used)) yield lack(name, of(asked), of(used), of(has));
  }
  for (const [name, amount] of asked.scalars) {
    const capacity = has.scalars.get(name);
    // Extended resources that the node does not know are the cluster's.
    if (capacity === undefined && !name.startsWith("hugepages-")) continue;
    const taken = used.scalars.get(name) ?? 0;
    if (amount > 0 && amount > (capacity ?? 0) - taken) yield lack(name, amount, taken, capacity ?? 0);
  }
}

function lack(name: string, requested: number, used: number, capacity: number): Lack {
  return { name, amount: requested - (capacity - used), requested, used, capacity };
}

const plain: readonly (readonly [string, (resources: Resources) => number])[] = [
  ["cpu", ({ milliCpu }) => milliCpu],
  ["memory", ({ memory }) => memory],
  ["ephemeral-storage", ({ ephemeralStorage }) => ephemeralStorage],
];
