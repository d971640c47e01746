/** The claims of a pod: which are bound, which wait for a node to be chosen (volumebinding GetPodVolumes). */
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../../model/kubernetes.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { PodInfo } from "../model/pod_info.ts";

export const selectedNodeAnnotation = "volume.kubernetes.io/selected-node";
export const bindCompletedAnnotation = "pv.kubernetes.io/bind-completed";
export const boundByControllerAnnotation = "pv.kubernetes.io/bound-by-controller";
const classAnnotation = "volume.beta.kubernetes.io/storage-class";

export interface PodClaims {
  /** Their volumes' names. */
  readonly bound: readonly string[];
  readonly delayed: readonly PersistentVolumeClaim[];
}

/** @returns the claims, or why the pod cannot be scheduled at all now */
export function podClaims(pod: PodInfo, cluster: Cluster): PodClaims | string {
  const bound: string[] = [];
  const delayed: PersistentVolumeClaim[] = [];
  let isUnboundImmediate = false;
  for (const name of pod.claims) {
    const claim = cluster.objects.persistentVolumeClaims.get(`${pod.namespace}/${name}`);
    const problem = problemOf(claim, name, pod);
    if (problem !== undefined || !claim) return problem ?? "";
    const volume = cluster.assumedVolumes.volumeOf(`${pod.namespace}/${name}`) ?? boundVolume(claim);
    if (volume !== undefined) bound.push(volume);
    else if (!claim.spec.volumeName && waitsForConsumer(claim, cluster)) delayed.push(claim);
    else isUnboundImmediate = true;
  }
  return isUnboundImmediate ? "pod has unbound immediate PersistentVolumeClaims" : { bound, delayed };
}

function problemOf(claim: PersistentVolumeClaim | undefined, name: string, { pod }: PodInfo): string | undefined {
  const isEphemeral = (pod.spec.volumes ?? []).some(
    (volume) => volume.ephemeral && `${pod.metadata.name}-${volume.name}` === name,
  );
  if (!claim) {
    return isEphemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
      : `persistentvolumeclaim "${name}" not found`;
  }
  const { metadata, spec, status } = claim;
  if (status?.phase === "Lost") {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${spec.volumeName ?? ""}"`;
  }
  if (metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (isEphemeral && owner?.uid !== pod.metadata.uid) {
    const { namespace, name: podName } = pod.metadata;
    return `PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`;
  }
  return undefined;
}

/** The volume of a claim whose binding both sides know. */
export function boundVolume({ metadata, spec }: PersistentVolumeClaim): string | undefined {
  if (!spec.volumeName || metadata.annotations?.[bindCompletedAnnotation] === undefined) return undefined;
  return spec.volumeName;
}

export function classNameOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? "";
}

export function volumeClassOf({ metadata, spec }: PersistentVolume): string {
  return metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? "";
}

export function classOf(claim: PersistentVolumeClaim, { objects }: Cluster): StorageClass | undefined {
  return objects.storageClasses.get(classNameOf(claim));
}

function waitsForConsumer(claim: PersistentVolumeClaim, cluster: Cluster): boolean {
  return classOf(claim, cluster)?.volumeBindingMode === "WaitForFirstConsumer";
}
