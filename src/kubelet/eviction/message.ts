/** What an eviction says, in upstream's words (pkg/kubelet/eviction, helpers.go evictionMessage). */
import type { Pod } from "../../model/kubernetes.ts";
import { canonicalQuantity, nanos } from "../../model/quantity.ts";
import { amountOf, resourceOf, type Observations, type Threshold } from "./signals.ts";
import { quantityText, type ContainerUse, type PodUse } from "./usage.ts";

export function evictionMessage(
  threshold: Threshold,
  pod: Pod,
  use: PodUse | undefined,
  observations: Observations,
): string {
  const resource = resourceOf(threshold.signal);
  return `The node was low on resource: ${resource}. ${amounts(threshold, observations)}${containers(pod, use, resource)}`;
}

function amounts({ signal, value }: Threshold, observations: Observations): string {
  const seen = observations.get(signal);
  if (!seen) return "";
  const resource = resourceOf(signal);
  const quantity = value.endsWith("%")
    ? quantityText(amountOf(value, seen.capacity), resource)
    : canonicalQuantity(value);
  return `Threshold quantity: ${quantity}, available: ${quantityText(seen.available, resource)}. `;
}

function containers({ spec }: Pod, use: PodUse | undefined, resource: ReturnType<typeof resourceOf>): string {
  if (!use || (resource !== "memory" && resource !== "ephemeral-storage")) return "";
  const usedBy = ({ memoryBytes, rootfs, logs }: ContainerUse): number =>
    resource === "memory" ? memoryBytes : rootfs.bytes + logs.bytes;
  const parts = spec.containers.map(({ name, resources }) => {
    const own = use.containers.get(name);
    const request = resources?.requests?.[resource] ?? "0";
    if (!own || BigInt(Math.trunc(usedBy(own))) * 1_000_000_000n <= nanos(request)) return "";
    const used = quantityText(usedBy(own), resource);
    return `Container ${name} was using ${used}, request is ${canonicalQuantity(request)}, has larger consumption of ${resource}. `;
  });
  return parts.join("");
}
