/** Resources of pods as numbers, for what counts and limits them (pkg/api/v1/resource/helpers.go). Pure. */
import { nanos } from "../../../model/quantity.ts";
import type { Container, PodSpec, ResourceList } from "./pod_spec.ts";

/** Amounts in nanos by resource. */
export type Amounts = Map<string, bigint>;

export function amounts(list: ResourceList | undefined): Amounts {
  return new Map(Object.entries(list ?? {}).map(([name, quantity]) => [name, nanos(quantity)]));
}

/** What a pod requests or is limited to as a whole: what runs at one time, at its most. */
export function podAmounts(spec: PodSpec, kind: "requests" | "limits"): Amounts {
  const sum: Amounts = new Map();
  for (const container of spec.containers ?? []) addTo(sum, amounts(container.resources?.[kind]));
  const sidecars: Amounts = new Map();
  const peak: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const own = amounts(container.resources?.[kind]);
    // A restartable init container runs on beside all that comes after it (KEP-753).
    if (isSidecar(container)) {
      addTo(sum, own);
      addTo(sidecars, own);
      raiseTo(peak, sidecars);
    } else {
      const together = new Map(sidecars);
      addTo(together, own);
      raiseTo(peak, together);
    }
  }
  raiseTo(sum, peak);
  for (const [name, amount] of amounts(spec.resources?.[kind])) sum.set(name, amount);
  if (kind === "requests") addTo(sum, amounts(spec.overhead));
  else for (const [name, amount] of amounts(spec.overhead)) if (sum.has(name)) sum.set(name, sum.get(name)! + amount);
  return sum;
}

function isSidecar({ restartPolicy }: Container): boolean {
  return restartPolicy === "Always";
}

function addTo(sum: Amounts, other: Amounts): void {
  for (const [name, amount] of other) sum.set(name, (sum.get(name) ?? 0n) + amount);
}

function raiseTo(sum: Amounts, other: Amounts): void {
  for (const [name, amount] of other) if (amount > (sum.get(name) ?? -1n)) sum.set(name, amount);
}
