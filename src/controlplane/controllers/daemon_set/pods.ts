/** A DaemonSet's pods: what they are, of which template they are, which node they are for. Pure. */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { DaemonSet, New, Pod } from "../../../model/kubernetes.ts";
import { revisionLabel } from "../history/revisions.ts";
import { controllerRef } from "../ownership.ts";
import { podFromTemplate } from "../pods/template.ts";
import { daemonTolerations, pinnedAffinity, targetNode } from "./nodes.ts";

const generationAnnotation = "deprecated.daemonset.template.generation";
const generationLabel = "pod-template-generation";

/** Of before there were revisions; the server counts it (extensions/v1beta1's templateGeneration). */
function templateGeneration({ metadata }: DaemonSet): string | undefined {
  const text = metadata.annotations?.[generationAnnotation];
  return text !== undefined && /^-?\d+$/.test(text) ? text : undefined;
}

export function isUpdated({ metadata: { labels = {} } }: Pod, set: DaemonSet, hash: string): boolean {
  const generation = templateGeneration(set);
  return (
    (hash !== "" && labels[revisionLabel] === hash) ||
    (generation !== undefined && labels[generationLabel] === generation)
  );
}

export function daemonPod(set: DaemonSet, node: string, hash: string): New<Pod> {
  const template = set.spec.template;
  const generation = templateGeneration(set);
  const labels = {
    ...template.metadata?.labels,
    ...(generation === undefined ? {} : { [generationLabel]: generation }),
    ...(hash === "" ? {} : { [revisionLabel]: hash }),
  };
  const spec: Pod["spec"] = {
    ...template.spec!,
    tolerations: daemonTolerations(template.spec!),
    affinity: pinnedAffinity(template.spec!.affinity, node),
  };
  const reference = controllerRef(resourceTypes.daemonSets, set);
  return podFromTemplate({ metadata: { ...template.metadata, labels }, spec }, set.metadata.name, reference);
}

export type PodsByNode = ReadonlyMap<string, readonly Pod[]>;

/** Pods that ended and are being deleted are gone already, but for somebody's finalizer. */
export function byNode(pods: readonly Pod[]): PodsByNode {
  const nodes = new Map<string, Pod[]>();
  for (const pod of pods) {
    const phase = pod.status?.phase;
    if ((phase === "Failed" || phase === "Succeeded") && pod.metadata.deletionTimestamp !== undefined) continue;
    const node = targetNode(pod);
    if (node === undefined) continue;
    const there = nodes.get(node);
    if (there) there.push(pod);
    else nodes.set(node, [pod]);
  }
  return nodes;
}

/** Those that have their node first, then the oldest. */
export function oldestFirst(a: Pod, b: Pod): number {
  if (Boolean(a.spec.nodeName) !== Boolean(b.spec.nodeName)) return a.spec.nodeName ? -1 : 1;
  const [one, other] = [a.metadata, b.metadata];
  if (one.creationTimestamp !== other.creationTimestamp) {
    return one.creationTimestamp < other.creationTimestamp ? -1 : 1;
  }
  return one.name < other.name ? -1 : 1;
}
