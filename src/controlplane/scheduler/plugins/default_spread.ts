/**
 * What pods without constraints of their own are spread by: the Services, ReplicaSets, … that they belong to
 * (plugins/helper DefaultSelector).
 */
import type { Cluster } from "../cluster/cluster.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { equalityMatcher, type LabelSelector, type LabelSelectorRequirement } from "../../../model/label_selector.ts";

/** @returns undefined: it belongs to nothing */
export function defaultSelector({ pod, namespace, labels }: PodInfo, { objects }: Cluster): LabelSelector | undefined {
  const matchLabels: Record<string, string> = {};
  let matchExpressions: readonly LabelSelectorRequirement[] = [];
  for (const { spec } of objects.services.inNamespace(namespace)) {
    const { selector = {} } = spec;
    if (Object.keys(selector).length > 0 && equalityMatcher(selector)(labels)) Object.assign(matchLabels, selector);
  }
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  const key = `${namespace}/${owner?.name}`;
  if (owner?.kind === "ReplicationController") {
    Object.assign(matchLabels, objects.replicationControllers.get(key)?.spec.selector);
  } else if (owner?.kind === "ReplicaSet" || owner?.kind === "StatefulSet") {
    const stores = owner.kind === "ReplicaSet" ? objects.replicaSets : objects.statefulSets;
    const selector: LabelSelector | undefined = stores.get(key)?.spec.selector;
    Object.assign(matchLabels, selector?.matchLabels);
    matchExpressions = selector?.matchExpressions ?? [];
  }
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) return undefined;
  return { matchLabels, matchExpressions };
}
