/** Claims, volumes and what makes them fit (component-helpers/storage/volume/pv_helpers.go). Pure. */
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../../model/kubernetes.ts";
import { labelMatcher } from "../../../model/label_selector.ts";
import { nanos } from "../../../model/quantity.ts";

export const bindCompleted = "pv.kubernetes.io/bind-completed";
export const boundByController = "pv.kubernetes.io/bound-by-controller";
export const provisionedBy = "pv.kubernetes.io/provisioned-by";
export const selectedNode = "volume.kubernetes.io/selected-node";
export const storageProvisioner = "volume.kubernetes.io/storage-provisioner";
export const betaStorageProvisioner = "volume.beta.kubernetes.io/storage-provisioner";
const betaClass = "volume.beta.kubernetes.io/storage-class";
const defaultClassAnnotations = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];

type Annotated = { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };

export const annotation = ({ metadata }: Annotated, name: string): string | undefined => metadata.annotations?.[name];
export const hasAnnotation = (object: Annotated, name: string): boolean => annotation(object, name) !== undefined;

/** "" for none, wished or not. */
export function classOf(object: (PersistentVolume | PersistentVolumeClaim) & Annotated): string {
  return annotation(object, betaClass) ?? object.spec.storageClassName ?? "";
}

/** A claim that has not said whether it wants a class gets the default one when there is one (KEP-3333). */
export function hasNoWish(claim: PersistentVolumeClaim): boolean {
  return claim.spec.storageClassName === undefined && !hasAnnotation(claim, betaClass);
}

/** Of several the newest, as the API server's admission has it. */
export function defaultClass(classes: Iterable<StorageClass>): StorageClass | undefined {
  const defaults = [...classes].filter((one) =>
    defaultClassAnnotations.some((name) => annotation(one, name) === "true"),
  );
  return defaults.sort(({ metadata: a }, { metadata: b }) => {
    if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? 1 : -1;
    return a.name < b.name ? -1 : 1;
  })[0];
}

/** Whether the scheduler binds a claim, once a pod that uses it has its node. */
export function isDelayed(storageClass: StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === "WaitForFirstConsumer";
}

/** Whether a volume is this claim's: by name, and by uid where one is there. */
export function isOf({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { claimRef } = spec;
  if (claimRef?.name !== metadata.name || claimRef.namespace !== metadata.namespace) return false;
  return (claimRef.uid ?? "") === "" || claimRef.uid === metadata.uid;
}

export function modesDiffer({ spec }: PersistentVolumeClaim, { spec: volume }: PersistentVolume): boolean {
  return (spec.volumeMode ?? "Filesystem") !== (volume.volumeMode ?? "Filesystem");
}

const requested = ({ spec }: PersistentVolumeClaim): bigint => nanos(spec.resources?.requests?.["storage"]);
const capacity = ({ spec }: PersistentVolume): bigint => nanos(spec.capacity?.["storage"]);

function offersModes({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode));
}

/** @returns why a volume that the claim names does not do, in upstream's words */
export function misfit(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (capacity(volume) < requested(claim)) return "requested PV is too small";
  if (classOf(volume) !== classOf(claim)) return "storageClassName does not match";
  if (modesDiffer(claim, volume)) return "incompatible volumeMode";
  if (!offersModes(volume, claim)) return "incompatible accessMode";
  return undefined;
}

/**
 * The volume that a claim gets: the one that is reserved for it, else of those that fit the one with the
 * fewest access modes, and of these the smallest.
 *
 * @param isDelayed what is not reserved is left to the scheduler
 */
export function bestMatch(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  isDelayed: boolean,
): PersistentVolume | undefined {
  const selects = claim.spec.selector === undefined ? () => true : labelMatcher(claim.spec.selector);
  const fitting = volumes.filter(
    (volume) =>
      volume.metadata.deletionTimestamp === undefined &&
      capacity(volume) >= requested(claim) &&
      !modesDiffer(claim, volume) &&
      offersModes(volume, claim),
  );
  const reserved = fitting.find((volume) => isOf(volume, claim));
  if (reserved || isDelayed) return reserved;
  const free = fitting.filter(
    (volume) =>
      volume.spec.claimRef === undefined &&
      volume.status?.phase === "Available" &&
      selects(volume.metadata.labels) &&
      classOf(volume) === classOf(claim),
  );
  return free.sort(bySize)[0];
}

function bySize(a: PersistentVolume, b: PersistentVolume): number {
  const modes = (a.spec.accessModes?.length ?? 0) - (b.spec.accessModes?.length ?? 0);
  if (modes !== 0) return modes;
  const difference = capacity(a) - capacity(b);
  if (difference !== 0n) return difference < 0n ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
