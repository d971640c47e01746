/** Events of what is no pod: nodes go to the cluster, the rest only wakes pods that wait. */
import type { InformerHandler } from "../../api/informer.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import type { Informers } from "../../api/informers.ts";
import type { Namespace, Node } from "../../model/kubernetes.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { ClusterObjects } from "./cluster/objects.ts";
import type { ClusterEvent } from "./framework/events.ts";

type OnEvent = (event: ClusterEvent) => void;

export function clusterObjects(informers: Informers): ClusterObjects {
  return {
    namespaces: informers.of(resourceTypes.namespaces).objects,
    services: informers.of(resourceTypes.services).objects,
    replicationControllers: informers.of(resourceTypes.replicationControllers).objects,
    replicaSets: informers.of(resourceTypes.replicaSets).objects,
    statefulSets: informers.of(resourceTypes.statefulSets).objects,
    persistentVolumes: informers.of(resourceTypes.persistentVolumes).objects,
    persistentVolumeClaims: informers.of(resourceTypes.persistentVolumeClaims).objects,
    storageClasses: informers.of(resourceTypes.storageClasses).objects,
    csiNodes: informers.of(resourceTypes.csiNodes).objects,
    podDisruptionBudgets: informers.of(resourceTypes.podDisruptionBudgets).objects,
  };
}

/** @returns how to follow them no more */
export function followObjects(informers: Informers, cluster: Cluster, onEvent: OnEvent): readonly (() => void)[] {
  const { nodes, namespaces, persistentVolumeClaims, persistentVolumes, storageClasses, csiNodes } = resourceTypes;
  return [
    informers.of(nodes).subscribe(nodeEvents(cluster, onEvent)),
    informers.of(namespaces).subscribe(namespaceEvents(onEvent)),
    informers.of(persistentVolumeClaims).subscribe(changes((claim) => onEvent({ type: "ClaimChange", claim }))),
    informers.of(persistentVolumes).subscribe(changes((volume) => onEvent({ type: "VolumeChange", volume }))),
    informers
      .of(storageClasses)
      .subscribe(changes((storageClass) => onEvent({ type: "StorageClassChange", storageClass }))),
    informers.of(csiNodes).subscribe(changes((csiNode) => onEvent({ type: "CSINodeChange", csiNode }))),
  ];
}

function changes<T>(onChange: (object: T) => void): InformerHandler<T> {
  return { onAdd: onChange, onUpdate: (_, object) => onChange(object) };
}

function nodeEvents(cluster: Cluster, onEvent: OnEvent): InformerHandler<Node> {
  return {
    onAdd(node) {
      cluster.setNode(node);
      onEvent({ type: "NodeAdd", node });
    },
    onUpdate(previous, node) {
      cluster.setNode(node);
      if (!isSameHere(node, previous)) onEvent({ type: "NodeUpdate", node, previous });
    },
    onDelete(node) {
      cluster.removeNode(node.metadata.name);
      onEvent({ type: "NodeDelete", node });
    },
  };
}

/** A report that the node is well changes nothing for pods that wait. */
function isSameHere(a: Node, b: Node): boolean {
  return (
    a.spec.unschedulable === b.spec.unschedulable &&
    isSameJson(a.spec.taints, b.spec.taints) &&
    isSameJson(a.metadata.labels, b.metadata.labels) &&
    isSameJson(a.status?.allocatable, b.status?.allocatable)
  );
}

function namespaceEvents(onEvent: OnEvent): InformerHandler<Namespace> {
  return {
    onUpdate({ metadata: before }, { metadata: { name, labels = {} } }) {
      const previous = before.labels ?? {};
      if (!isSameJson(labels, previous)) onEvent({ type: "NamespaceUpdate", name, labels, previous });
    },
  };
}

function isSameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
