/** Which taints a node's conditions ask for (upstream: pkg/controller/nodelifecycle, KEP-382). Pure. */
import type { Node } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";

export type Taint = NonNullable<Node["spec"]["taints"]>[number];

export const notReady = "node.kubernetes.io/not-ready";
export const unreachable = "node.kubernetes.io/unreachable";
const unschedulable = "node.kubernetes.io/unschedulable";

/** Condition → its status → taint. */
const byCondition: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: notReady, Unknown: unreachable },
  MemoryPressure: { True: "node.kubernetes.io/memory-pressure" },
  DiskPressure: { True: "node.kubernetes.io/disk-pressure" },
  NetworkUnavailable: { True: "node.kubernetes.io/network-unavailable" },
  PIDPressure: { True: "node.kubernetes.io/pid-pressure" },
};
const ours: ReadonlySet<string> = new Set([
  unschedulable,
  ...Object.values(byCondition).flatMap((keys) => Object.values(keys)),
]);

export function readyCondition({ status }: Node) {
  return status?.conditions?.find(({ type }) => type === "Ready");
}

/** Taints that keep new pods away. @returns all of the node's taints as they should be, or undefined where they are */
export function schedulingTaints({ spec, status }: Node, nowMs: number): readonly Taint[] | undefined {
  const wanted = (status?.conditions ?? []).flatMap(({ type, status: is }) => byCondition[type]?.[is] ?? []);
  if (spec.unschedulable) wanted.push(unschedulable);
  const taints = spec.taints ?? [];
  const isOurs = ({ key, effect }: Taint): boolean => effect === "NoSchedule" && ours.has(key);
  const stale = taints.filter((taint) => isOurs(taint) && !wanted.includes(taint.key));
  const missing = wanted.filter((key) => !taints.some((taint) => isOurs(taint) && taint.key === key));
  if (stale.length === 0 && missing.length === 0) return undefined;
  const timeAdded = timestamp(nowMs);
  return [
    ...taints.filter((taint) => !stale.includes(taint)),
    ...missing.map((key) => ({ effect: "NoSchedule", key, timeAdded })),
  ];
}

/** The taint that makes pods leave, by the Ready condition's status. */
export function evictingTaint(ready: string | undefined): string | undefined {
  return ready === undefined ? undefined : byCondition["Ready"]![ready];
}

export function evicts({ spec }: Node, key: string): boolean {
  return spec.taints?.some((taint) => taint.key === key && taint.effect === "NoExecute") ?? false;
}

/**
 * Puts one evicting taint in the place of the other; none of them for `undefined`.
 *
 * @returns all of the node's taints, or undefined where they are right
 */
export function withEviction({ spec }: Node, key: string | undefined, nowMs: number): readonly Taint[] | undefined {
  const taints = spec.taints ?? [];
  const isEvicting = (taint: Taint): boolean =>
    taint.effect === "NoExecute" && (taint.key === notReady || taint.key === unreachable);
  const stale = taints.filter((taint) => isEvicting(taint) && taint.key !== key);
  const isMissing = key !== undefined && !taints.some((taint) => isEvicting(taint) && taint.key === key);
  if (stale.length === 0 && !isMissing) return undefined;
  const kept = taints.filter((taint) => !stale.includes(taint));
  return isMissing ? [...kept, { effect: "NoExecute", key, timeAdded: timestamp(nowMs) }] : kept;
}

/** Labels that older programs select by: as the ones that took their place. @returns what is to be set, if anything */
export function missingLabels({ metadata }: Node): Readonly<Record<string, string>> | undefined {
  const labels = metadata.labels ?? {};
  const wanted: Record<string, string> = {};
  for (const name of ["os", "arch"]) {
    const value = labels[`kubernetes.io/${name}`];
    if (value !== undefined && labels[`beta.kubernetes.io/${name}`] !== value) {
      wanted[`beta.kubernetes.io/${name}`] = value;
    }
  }
  return Object.keys(wanted).length === 0 ? undefined : wanted;
}
