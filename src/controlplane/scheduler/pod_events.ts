/** Pods' events: those with a node go to the cluster, those that wait for one to the queue. */
import type { InformerHandler } from "../../api/informer.ts";
import type { Pod } from "../../model/kubernetes.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { ClusterEvent } from "./framework/events.ts";
import { hasEnded, PodInfo, schedulerName } from "./model/pod_info.ts";
import type { SchedulingQueue } from "./queue/queue.ts";

export interface PodEventsOptions {
  readonly cluster: Cluster;
  readonly queue: SchedulingQueue;
  readonly onEvent: (event: ClusterEvent) => void;
  /** A pod that this scheduler had given a node is there now, or gone. */
  readonly onSettled: (uid: string) => void;
}

export function podEvents({ cluster, queue, onEvent, onSettled }: PodEventsOptions): InformerHandler<Pod> {
  const put = (pod: Pod, previous?: Pod): void => {
    if (hasEnded(pod)) return remove(previous ?? pod);
    if (pod.spec.nodeName) onPlaced(pod, previous);
    else if (isOurs(pod)) onPending(pod, previous);
  };
  const onPlaced = (pod: Pod, previous: Pod | undefined): void => {
    const { uid } = pod.metadata;
    const wasPlaced = previous?.spec.nodeName !== undefined;
    if (wasPlaced && isSameHere(pod, previous)) return;
    queue.delete(uid);
    cluster.nominations.delete(uid);
    const info = new PodInfo(pod);
    cluster.setPod(info, pod.spec.nodeName!);
    onSettled(uid);
    if (wasPlaced) onEvent({ type: "PodUpdate", pod: info, previous: new PodInfo(previous) });
    else onEvent({ type: "PodAdd", pod: info });
  };
  const onPending = (pod: Pod, previous: Pod | undefined): void => {
    // It is being bound: the API will show it.
    if (cluster.isAssumed(pod.metadata.uid)) return queue.update(new PodInfo(pod), false);
    if (previous && isSameHere(pod, previous) && isSameNomination(pod, previous)) return;
    const info = new PodInfo(pod);
    nominate(info, previous);
    if (!previous) queue.add(info);
    else queue.update(info, !isSameHere(pod, previous));
  };
  const nominate = (info: PodInfo, previous: Pod | undefined): void => {
    const nodeName = info.pod.status?.nominatedNodeName;
    const nominated = nodeName ?? cluster.nominations.nodeOf(info.uid);
    if (!nodeName && previous?.status?.nominatedNodeName) cluster.nominations.delete(info.uid);
    else if (nominated) cluster.nominations.set(info, nominated);
  };
  const remove = (pod: Pod): void => {
    const { uid } = pod.metadata;
    queue.delete(uid);
    const wasNominated = cluster.nominations.nodeOf(uid) !== undefined;
    cluster.nominations.delete(uid);
    const wasPlaced = cluster.nodeOfPod(uid) !== undefined;
    cluster.removePod(uid);
    onSettled(uid);
    if (wasPlaced || wasNominated) onEvent({ type: "PodDelete", pod: new PodInfo(pod) });
  };
  return { onAdd: (pod) => put(pod), onUpdate: (previous, pod) => put(pod, previous), onDelete: remove };
}

function isOurs({ spec }: Pod): boolean {
  return (spec.schedulerName ?? schedulerName) === schedulerName;
}

/** Nothing that decides about nodes changed: most updates of a pod report how its containers do. */
function isSameHere(a: Pod, b: Pod): boolean {
  return (
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    a.spec.nodeName === b.spec.nodeName &&
    isSameJson(a.metadata.labels, b.metadata.labels) &&
    isSameJson(a.status?.containerStatuses?.map(sizes), b.status?.containerStatuses?.map(sizes)) &&
    hasSameSpec(a, b)
  );
}

type ContainerStatus = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number];

function sizes({ name, resources, allocatedResources }: ContainerStatus) {
  return [name, resources?.requests, allocatedResources];
}

/** Every change of a spec counts its generation up (KEP-5067). */
function hasSameSpec(a: Pod, b: Pod): boolean {
  const { generation } = a.metadata;
  if (generation !== undefined && generation > 0) return generation === b.metadata.generation;
  return isSameJson(a.spec, b.spec);
}

function isSameNomination(a: Pod, b: Pod): boolean {
  return a.status?.nominatedNodeName === b.status?.nominatedNodeName;
}

function isSameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
