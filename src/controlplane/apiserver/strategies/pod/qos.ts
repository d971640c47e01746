/** The class of service of a pod, which says who goes first when a node runs out (pkg/apis/core/helper/qos). */
import { nanos } from "../../../../model/quantity.ts";
import type { ResourceList } from "../../validation/resources.ts";
import type { PodSpec } from "./model.ts";

export type QosClass = "BestEffort" | "Burstable" | "Guaranteed";

const computeResources = ["cpu", "memory"] as const;

export function qosClassOf(spec: PodSpec): QosClass {
  const ofPod = [spec.resources?.requests, spec.resources?.limits].some((list) => computeAmounts(list).length > 0);
  const holders = ofPod
    ? [spec.resources]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ resources }) => resources);
  const amounts = holders.flatMap((resources) => [
    ...computeAmounts(resources?.requests),
    ...computeAmounts(resources?.limits),
  ]);
  if (amounts.length === 0) return "BestEffort";
  const isGuaranteed = holders.every((resources) =>
    computeResources.every((name) => {
      const limit = nanos(resources?.limits?.[name]);
      return limit > 0n && nanos(resources?.requests?.[name]) === limit;
    }),
  );
  return isGuaranteed ? "Guaranteed" : "Burstable";
}

function computeAmounts(list: ResourceList | undefined): string[] {
  return computeResources.flatMap((name) => (nanos(list?.[name]) > 0n ? [list![name]!] : []));
}
