/** The class of service of a pod, which says who goes first when a node runs out (pkg/apis/core/helper/qos). */
import { nanos } from "./quantity.ts";

export const qosClasses = ["Guaranteed", "Burstable", "BestEffort"] as const;
export type QosClass = (typeof qosClasses)[number];

type Amounts = Readonly<Record<string, string>>;

interface Asked {
  readonly requests?: Amounts | undefined;
  readonly limits?: Amounts | undefined;
}

interface Holder {
  readonly resources?: Asked | undefined;
}

/** What of a pod's specification it follows from; a patch on its way may lack any of it. */
export interface QosSpec extends Holder {
  readonly containers?: readonly Holder[] | undefined;
  readonly initContainers?: readonly Holder[] | undefined;
}

const computeResources = ["cpu", "memory"] as const;

export function qosClassOf(spec: QosSpec): QosClass {
  const ofPod = [spec.resources?.requests, spec.resources?.limits].some((list) => countOf(list) > 0);
  const holders = ofPod
    ? [spec.resources]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ resources }) => resources);
  const asked = holders.some((resources) => countOf(resources?.requests) + countOf(resources?.limits) > 0);
  if (!asked) return "BestEffort";
  const isGuaranteed = holders.every((resources) =>
    computeResources.every((name) => {
      const limit = nanos(resources?.limits?.[name]);
      return limit > 0n && nanos(resources?.requests?.[name]) === limit;
    }),
  );
  return isGuaranteed ? "Guaranteed" : "Burstable";
}

function countOf(list: Amounts | undefined): number {
  return computeResources.filter((name) => nanos(list?.[name]) > 0n).length;
}
