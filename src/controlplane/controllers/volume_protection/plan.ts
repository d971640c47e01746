/** Whether a claim or volume gets its finalizer, or loses it (pkg/controller/volume/{pvcprotection,pvprotection}). */
import type { KubeObject, PersistentVolume, PersistentVolumeClaim, Pod } from "../../../model/kubernetes.ts";

export const claimFinalizer = "kubernetes.io/pvc-protection";
export const volumeFinalizer = "kubernetes.io/pv-protection";

/** @returns the finalizers that the object should have; undefined where it has them */
export function finalizersOf(
  { metadata }: KubeObject,
  finalizer: string,
  isUsed: boolean,
): readonly string[] | undefined {
  const { finalizers = [], deletionTimestamp } = metadata;
  const has = finalizers.includes(finalizer);
  if (deletionTimestamp === undefined) return has ? undefined : [...finalizers, finalizer];
  return has && !isUsed ? finalizers.filter((one) => one !== finalizer) : undefined;
}

/** By pods on a node: one that is not there yet is not started with a claim that is going. */
export function isClaimUsed(claim: PersistentVolumeClaim, pods: readonly Pod[]): boolean {
  return pods.some(({ spec, metadata, status }) => {
    if (!spec.nodeName) return false;
    const isNamed = spec.volumes?.some((one) => one.persistentVolumeClaim?.claimName === claim.metadata.name);
    if (isNamed) return true;
    // An ephemeral volume's claim is its pod's own, and nobody's when the pod has ended.
    const isOver = status?.phase === "Succeeded" || status?.phase === "Failed";
    return !isOver && claim.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true;
  });
}

export const isVolumeUsed = ({ status }: PersistentVolume): boolean => status?.phase === "Bound";
