/** Keeps claims that pods use and volumes that are bound from going (upstream: pvc- and pv-protection). */
import { keyOf, keyText } from "../../../api/client.ts";
import { resourceTypes, type ResourceType } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { KubeObject, PersistentVolume, Pod } from "../../../model/kubernetes.ts";
import type { Outcome } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { claimsOf, claimUsers } from "./claim_users.ts";
import { claimFinalizer, finalizersOf, isClaimUsed, isVolumeUsed, volumeFinalizer } from "./plan.ts";

export const claimProtectionController: ControllerRow = {
  name: "persistentvolumeclaim-protection-controller",
  account: "pvc-protection-controller",
  make: protectClaims,
};

export const volumeProtectionController: ControllerRow = {
  name: "persistentvolume-protection-controller",
  account: "pv-protection-controller",
  make: protectVolumes,
};

function protectClaims(context: ControllerContext): Controller {
  const { informers } = context;
  const users = claimUsers(informers);
  const claims = informers.of(resourceTypes.persistentVolumeClaims);
  const queue = controllerQueue(context, { name: claimProtectionController.name, reconcile });
  const add = (claim: KubeObject): void => {
    if (finalizersOf(claim, claimFinalizer, false)) queue.add(keyText(keyOf(claim)));
  };
  claims.subscribe({ onAdd: add, onUpdate: (_, claim) => add(claim) });
  const released = (pod: Pod): void => {
    for (const key of claimsOf(pod)) {
      if (claims.objects.get(key)?.metadata.deletionTimestamp !== undefined) queue.add(key);
    }
  };
  informers.of(resourceTypes.pods).subscribe({ onUpdate: (_, pod) => released(pod), onDelete: released });

  async function reconcile(key: string): Promise<Outcome> {
    const claim = claims.objects.get(key);
    const wanted = claim && finalizersOf(claim, claimFinalizer, isClaimUsed(claim, users.of(key)));
    if (!claim || !wanted) return undefined;
    // Before it goes the server itself is asked: a pod may have come that is not seen here yet.
    if (claim.metadata.deletionTimestamp !== undefined) {
      const { namespace = "" } = claim.metadata;
      const { items } = await context.client.list(resourceTypes.pods, { namespace });
      if (
        isClaimUsed(
          claim,
          items.filter((pod) => claimsOf(pod).includes(key)),
        )
      )
        return undefined;
    }
    await writeFinalizers(context, resourceTypes.persistentVolumeClaims, claim, wanted);
    return undefined;
  }
  return { start: () => queue.start(), stop: () => queue.stop() };
}

function protectVolumes(context: ControllerContext): Controller {
  const volumes = context.informers.of(resourceTypes.persistentVolumes);
  const queue = controllerQueue(context, {
    name: volumeProtectionController.name,
    reconcile: async (name) => {
      const volume = volumes.objects.get(name);
      const wanted = volume && finalizersOf(volume, volumeFinalizer, isVolumeUsed(volume));
      if (volume && wanted) await writeFinalizers(context, resourceTypes.persistentVolumes, volume, wanted);
      return undefined;
    },
  });
  const add = (volume: PersistentVolume): void => {
    if (finalizersOf(volume, volumeFinalizer, isVolumeUsed(volume))) queue.add(volume.metadata.name);
  };
  volumes.subscribe({ onAdd: add, onUpdate: (_, volume) => add(volume) });
  return { start: () => queue.start(), stop: () => queue.stop() };
}

async function writeFinalizers<T extends KubeObject>(
  { client, informers }: ControllerContext,
  type: ResourceType<T>,
  object: T,
  finalizers: readonly string[],
): Promise<void> {
  try {
    const written = await client.update(type, { ...object, metadata: { ...object.metadata, finalizers } });
    // The last finalizer's end is the object's: then it is its deletion that is seen.
    if (object.metadata.deletionTimestamp === undefined) await informers.of(type).saw(written);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
