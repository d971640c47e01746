/** A volume and a claim as they are when they are bound, and when they are not any more. Pure: no change gives the same object. */
import type { PersistentVolume, PersistentVolumeClaim } from "../../../model/kubernetes.ts";
import { bindCompleted, boundByController, hasAnnotation, isOf } from "./volumes.ts";

type Annotations = Readonly<Record<string, string>>;

function annotated<T extends PersistentVolume | PersistentVolumeClaim>(object: T, added: Annotations): T {
  const annotations = { ...object.metadata.annotations, ...added };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** What this controller bound it may unbind: the annotation says which. */
export function claimedVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const { namespace = "", name, uid, resourceVersion } = claim.metadata;
  const { claimRef } = volume.spec;
  const isReserved = isOf(volume, claim);
  if (isReserved && claimRef?.uid === uid) return volume;
  const reference = { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace, name, uid, resourceVersion };
  const marked = isReserved ? volume : annotated(volume, { [boundByController]: "yes" });
  return { ...marked, spec: { ...volume.spec, claimRef: reference } };
}

export function filledClaim(claim: PersistentVolumeClaim, { metadata }: PersistentVolume): PersistentVolumeClaim {
  const isNamed = claim.spec.volumeName === metadata.name;
  if (isNamed && hasAnnotation(claim, bindCompleted)) return claim;
  const marks = { [bindCompleted]: "yes", ...(isNamed ? {} : { [boundByController]: "yes" }) };
  return { ...annotated(claim, marks), spec: { ...claim.spec, volumeName: metadata.name } };
}

export function inPhase(volume: PersistentVolume, phase: string, message?: string): PersistentVolume {
  if (volume.status?.phase === phase && (volume.status.message ?? "") === (message ?? "")) return volume;
  const { message: _, ...status } = volume.status ?? {};
  return { ...volume, status: { ...status, phase, ...(message === undefined ? {} : { message }) } };
}

/** @param volume there where it is bound */
export function inClaimPhase(
  claim: PersistentVolumeClaim,
  phase: string,
  volume?: PersistentVolume,
): PersistentVolumeClaim {
  const { accessModes: _, capacity: __, ...status } = claim.status ?? {};
  const { accessModes = [], capacity = {} } = volume?.spec ?? {};
  // A volume may grow once it is bound: then its claim's capacity is not the binder's any more.
  const has = claim.status?.phase === "Bound" && claim.status.capacity ? claim.status.capacity : capacity;
  return { ...claim, status: { ...status, phase, ...(volume ? { accessModes, capacity: has } : {}) } };
}

/** Free again; a volume that was made for a claim stays reserved for its name. */
export function unbound(volume: PersistentVolume): PersistentVolume {
  const { claimRef, ...spec } = volume.spec;
  if (!hasAnnotation(volume, boundByController)) {
    const { uid: _, ...reserved } = claimRef ?? {};
    return { ...volume, spec: { ...spec, claimRef: reserved } };
  }
  const { [boundByController]: _, ...annotations } = volume.metadata.annotations ?? {};
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec };
}
