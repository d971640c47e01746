/** What claims and volumes need next (pkg/controller/volume/persistentvolume/pv_controller.go). */
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from "../../../model/kubernetes.ts";
import { unbound } from "./bind.ts";
import {
  annotation,
  bestMatch,
  betaStorageProvisioner,
  bindCompleted,
  classOf,
  hasAnnotation,
  hasNoWish,
  isDelayed,
  isOf,
  misfit,
  modesDiffer,
  provisionedBy,
  selectedNode,
  storageProvisioner,
} from "./volumes.ts";

export interface VolumeEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export type ClaimStep =
  /** Volume, its phase, claim, its status: in this order, so that what is half done is finished later. */
  | { readonly kind: "bind"; readonly volume: PersistentVolume }
  /** @property event told when the phase changes */
  | { readonly kind: "claim-phase"; readonly phase: "Pending" | "Lost"; readonly event?: VolumeEvent }
  | { readonly kind: "update-claim"; readonly claim: PersistentVolumeClaim }
  | { readonly kind: "event"; readonly event: VolumeEvent };

export interface ClaimView {
  readonly claim: PersistentVolumeClaim;
  readonly volume: (name: string) => PersistentVolume | undefined;
  /** Volumes of the claim's class, and those that are reserved for it. */
  readonly candidates: readonly PersistentVolume[];
  readonly class: (name: string) => StorageClass | undefined;
  readonly defaultClass: StorageClass | undefined;
  /** Pods that use the claim. */
  readonly pods: readonly Pod[];
}

const warning = (reason: string, message: string): VolumeEvent => ({ type: "Warning", reason, message });
const normal = (reason: string, message: string): VolumeEvent => ({ type: "Normal", reason, message });
const say = (event: VolumeEvent): ClaimStep => ({ kind: "event", event });
const pending: ClaimStep = { kind: "claim-phase", phase: "Pending" };

export function planClaim(view: ClaimView): readonly ClaimStep[] {
  const { claim } = view;
  if (hasAnnotation(claim, bindCompleted)) return planBound(view);
  return claim.spec.volumeName ? planNamed(view, claim.spec.volumeName) : planOpen(view);
}

/** A claim that was bound stays with its volume, or is lost. */
function planBound({ claim, volume }: ClaimView): readonly ClaimStep[] {
  const lost = (reason: string, message: string): ClaimStep[] => {
    return [{ kind: "claim-phase", phase: "Lost", event: warning(reason, message) }];
  };
  const name = claim.spec.volumeName ?? "";
  if (name === "") {
    return lost("ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!");
  }
  const found = volume(name);
  if (!found) return lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
  const owner = found.spec.claimRef;
  if (!owner || owner.uid === claim.metadata.uid) return [{ kind: "bind", volume: found }];
  const message = "Two claims are bound to the same volume, this one is bound incorrectly";
  return lost("ClaimMisbound", message);
}

/** The user asks for a volume by its name. */
function planNamed({ claim, volume }: ClaimView, name: string): readonly ClaimStep[] {
  const found = volume(name);
  if (!found) return [pending];
  if (!found.spec.claimRef) {
    const why = misfit(found, claim);
    if (why === undefined) return [{ kind: "bind", volume: found }];
    const message = `Cannot bind to requested volume ${JSON.stringify(name)}: ${why}`;
    return [say(warning("VolumeMismatch", message)), pending];
  }
  if (isOf(found, claim)) return [{ kind: "bind", volume: found }];
  const message = `volume ${JSON.stringify(name)} already bound to a different claim.`;
  return [say(warning("FailedBinding", message)), pending];
}

function planOpen(view: ClaimView): readonly ClaimStep[] {
  const { claim, candidates, defaultClass } = view;
  const storageClass = view.class(classOf(claim));
  const delayed = isDelayed(storageClass);
  const volume = bestMatch(claim, candidates, delayed);
  if (volume) return [{ kind: "bind", volume }];
  if (hasNoWish(claim) && defaultClass) {
    const spec = { ...claim.spec, storageClassName: defaultClass.metadata.name };
    return [{ kind: "update-claim", claim: { ...claim, spec } }];
  }
  if (delayed && !hasAnnotation(claim, selectedNode)) return [say(waitingFor(view)), pending];
  if (classOf(claim) !== "") return [...provision(claim, storageClass), pending];
  const message = "no persistent volumes available for this claim and no storage class is set";
  return [say(normal("FailedBinding", message)), pending];
}

function waitingFor({ pods }: ClaimView): VolumeEvent {
  const unscheduled = pods.filter(({ spec, status }) => !spec.nodeName && status?.phase === "Pending");
  const [pod, ...others] = unscheduled.map(({ metadata }) => metadata.name).sort();
  if (pod === undefined) {
    return normal("WaitForFirstConsumer", "waiting for first consumer to be created before binding");
  }
  const message =
    others.length === 0
      ? `waiting for pod ${pod} to be scheduled`
      : `waiting for at least one of pods ${[pod, ...others].join(", ")} to be scheduled`;
  return normal("WaitForPodScheduled", message);
}

/** Asks the class's provisioner, which watches for the annotation. */
function provision(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): readonly ClaimStep[] {
  if (!storageClass) {
    const message = `storageclass.storage.k8s.io ${JSON.stringify(classOf(claim))} not found`;
    return [say(warning("ProvisioningFailed", message))];
  }
  const { provisioner } = storageClass;
  if (provisioner === "kubernetes.io/no-provisioner") {
    return [
      say(
        warning(
          "ProvisioningFailed",
          "storageclass kubernetes.io/no-provisioner does not support dynamic provisioning",
        ),
      ),
    ];
  }
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the ` +
    "system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.";
  const asked = say(normal("ExternalProvisioning", message));
  const marks = { [storageProvisioner]: provisioner, [betaStorageProvisioner]: provisioner };
  if (Object.keys(marks).every((name) => annotation(claim, name) === provisioner)) return [asked];
  const annotations = { ...claim.metadata.annotations, ...marks };
  return [{ kind: "update-claim", claim: { ...claim, metadata: { ...claim.metadata, annotations } } }, asked];
}

export type VolumeStep =
  | {
      readonly kind: "volume-phase";
      readonly phase: "Available" | "Bound" | "Released" | "Failed";
      readonly message?: string;
      /** Told when the phase changes. */
      readonly event?: VolumeEvent;
    }
  | { readonly kind: "update-volume"; readonly volume: PersistentVolume }
  | { readonly kind: "look-at-claim" }
  | { readonly kind: "event"; readonly event: VolumeEvent };

/** @param claim by the name that the volume has for it */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): readonly VolumeStep[] {
  const { claimRef } = volume.spec;
  // Reserved only: the claim has not come yet.
  if (!claimRef?.uid) {
    const phase: VolumeStep = { kind: "volume-phase", phase: "Available" };
    return claim ? [phase, { kind: "look-at-claim" }] : [phase];
  }
  if (claim?.metadata.uid !== claimRef.uid) return release(volume);
  if (!claim.spec.volumeName) {
    if (!modesDiffer(claim, volume)) return [{ kind: "look-at-claim" }];
    const message = `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${JSON.stringify(claim.metadata.name)} due to incompatible volumeMode.`;
    return [{ kind: "event", event: warning("VolumeMismatch", message) }];
  }
  if (claim.spec.volumeName === volume.metadata.name) return [{ kind: "volume-phase", phase: "Bound" }];
  const isMade = hasAnnotation(volume, provisionedBy) && policyOf(volume) === "Delete";
  return isMade ? release(volume) : [{ kind: "update-volume", volume: unbound(volume) }];
}

const policyOf = ({ spec }: PersistentVolume): string => spec.persistentVolumeReclaimPolicy ?? "Retain";

/** The claim is gone. A failure stays to be seen. */
function release(volume: PersistentVolume): readonly VolumeStep[] {
  const { phase } = volume.status ?? {};
  const released: VolumeStep[] = phase === "Failed" ? [] : [{ kind: "volume-phase", phase: "Released" }];
  switch (policyOf(volume)) {
    case "Recycle":
      return [...released, ...failed("VolumeFailedRecycle", "No recycler plugin found for the volume!")];
    case "Delete": {
      // Whoever made it deletes it when it is released.
      if (hasAnnotation(volume, provisionedBy)) return released;
      const name = JSON.stringify(volume.metadata.name);
      const message = `error getting deleter volume plugin for volume ${name}: no deletable volume plugin matched`;
      return [...released, ...failed("VolumeFailedDelete", message)];
    }
    default:
      return released;
  }
}

function failed(reason: string, message: string): VolumeStep[] {
  return [{ kind: "volume-phase", phase: "Failed", message, event: warning(reason, message) }];
}
