/** Brings claims and volumes together (upstream: pkg/controller/volume/persistentvolume). */
import { keyOf, keyText } from "../../../api/client.ts";
import type { Informer } from "../../../api/informer.ts";
import type { StoredIndex } from "../../../api/object_store.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { claimUsers } from "../volume_protection/claim_users.ts";
import { claimedVolume, filledClaim, inClaimPhase, inPhase } from "./bind.ts";
import { planClaim, planVolume, type ClaimStep, type ClaimView, type VolumeStep } from "./plan.ts";
import { classOf, defaultClass, hasNoWish } from "./volumes.ts";
import { VolumeWriter } from "./writer.ts";

export const persistentVolumeBinderController: ControllerRow = {
  name: "persistentvolume-binder-controller",
  account: "persistent-volume-binder",
  make: (context) => new PersistentVolumeBinder(context),
};

class PersistentVolumeBinder implements Controller {
  readonly #context: ControllerContext;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #writer: VolumeWriter;
  /** One claim at a time, so that no two are planned on the same volume. */
  readonly #claimQueue: WorkQueue;
  readonly #volumeQueue: WorkQueue;
  readonly #volumesByClass: StoredIndex<PersistentVolume>;
  readonly #volumesByClaim: StoredIndex<PersistentVolume>;
  readonly #openClaims: StoredIndex<PersistentVolumeClaim>;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { informers } = context;
    this.#claims = informers.of(resourceTypes.persistentVolumeClaims);
    this.#volumes = informers.of(resourceTypes.persistentVolumes);
    this.#classes = informers.of(resourceTypes.storageClasses);
    this.#writer = new VolumeWriter(context);
    const { name } = persistentVolumeBinderController;
    const one = { name, workers: 1 };
    this.#claimQueue = controllerQueue(context, { ...one, reconcile: (key) => this.#reconcileClaim(key) });
    this.#volumeQueue = controllerQueue(context, { ...one, reconcile: (key) => this.#reconcileVolume(key) });
    this.#volumesByClass = this.#volumes.objects.addIndex((volume) => (volume.spec.claimRef ? [] : [classOf(volume)]));
    this.#volumesByClaim = this.#volumes.objects.addIndex(({ spec }) =>
      spec.claimRef ? [claimKey(spec.claimRef)] : [],
    );
    this.#openClaims = this.#claims.objects.addIndex((claim) => {
      if (claim.spec.volumeName) return [`volume ${claim.spec.volumeName}`];
      return hasNoWish(claim) ? [`class ${classOf(claim)}`, "any class"] : [`class ${classOf(claim)}`];
    });
    this.#follow();
  }

  start(): void {
    this.#claimQueue.start();
    this.#volumeQueue.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#claimQueue.stop(), this.#volumeQueue.stop()]);
  }

  #follow(): void {
    const enqueue = (claim: PersistentVolumeClaim): void => this.#claimQueue.add(keyText(keyOf(claim)));
    const onClaim = (claim: PersistentVolumeClaim): void => {
      enqueue(claim);
      for (const { metadata } of this.#volumesByClaim.get(claimKey(claim.metadata)))
        this.#volumeQueue.add(metadata.name);
      if (claim.spec.volumeName) this.#volumeQueue.add(claim.spec.volumeName);
    };
    this.#claims.subscribe({ onAdd: onClaim, onUpdate: (_, claim) => onClaim(claim), onDelete: onClaim });
    const onVolume = (volume: PersistentVolume): void => {
      const { claimRef } = volume.spec;
      this.#volumeQueue.add(volume.metadata.name);
      this.#openClaims.get(`volume ${volume.metadata.name}`).forEach(enqueue);
      if (claimRef) this.#claimQueue.add(claimKey(claimRef));
      else this.#openClaims.get(`class ${classOf(volume)}`).forEach(enqueue);
    };
    this.#volumes.subscribe({ onAdd: onVolume, onUpdate: (_, volume) => onVolume(volume), onDelete: onVolume });
    const onClass = ({ metadata }: StorageClass): void => {
      this.#openClaims.get(`class ${metadata.name}`).forEach(enqueue);
      this.#openClaims.get("any class").forEach(enqueue);
    };
    this.#classes.subscribe({ onAdd: onClass, onUpdate: (_, storageClass) => onClass(storageClass) });
  }

  #view(claim: PersistentVolumeClaim): ClaimView {
    const key = claimKey(claim.metadata);
    return {
      claim,
      volume: (name) => this.#volumes.objects.get(name),
      candidates: [...this.#volumesByClaim.get(key), ...this.#volumesByClass.get(classOf(claim))],
      class: (name) => this.#classes.objects.get(name),
      defaultClass: defaultClass(this.#classes.objects.values()),
      pods: claimUsers(this.#context.informers).of(key),
    };
  }

  async #reconcileClaim(key: string): Promise<Outcome> {
    const claim = this.#claims.objects.get(key);
    if (!claim || claim.metadata.deletionTimestamp !== undefined) return undefined;
    for (const step of planClaim(this.#view(claim))) await this.#applyToClaim(claim, step);
    return undefined;
  }

  async #applyToClaim(claim: PersistentVolumeClaim, step: ClaimStep): Promise<void> {
    const { events } = this.#context;
    switch (step.kind) {
      case "bind":
        return this.#bind(claim, step.volume);
      case "update-claim":
        await this.#writer.claim(claim, step.claim);
        return;
      case "event":
        return events.event(claim, step.event.type, step.event.reason, step.event.message);
      case "claim-phase": {
        const changed = claim.status?.phase !== step.phase;
        if (!changed) return;
        const now = this.#claims.objects.get(keyText(keyOf(claim))) ?? claim;
        await this.#writer.claimStatus(now, inClaimPhase(now, step.phase));
        if (step.event) events.event(claim, step.event.type, step.event.reason, step.event.message);
      }
    }
  }

  async #bind(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const claimed = await this.#writer.volume(volume, claimedVolume(volume, claim));
    const bound = await this.#writer.volumeStatus(claimed, inPhase(claimed, "Bound"));
    const filled = await this.#writer.claim(claim, filledClaim(claim, bound));
    await this.#writer.claimStatus(filled, inClaimPhase(filled, "Bound", bound));
  }

  async #reconcileVolume(name: string): Promise<Outcome> {
    const volume = this.#volumes.objects.get(name);
    if (!volume) return undefined;
    const claim = await this.#claimOf(volume);
    let now = volume;
    for (const step of planVolume(volume, claim)) now = await this.#applyToVolume(now, step);
    return undefined;
  }

  /** Before a volume is let go, the server itself is asked: its claim may be newer than what is seen here. */
  async #claimOf({ spec, status }: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
    const { claimRef } = spec;
    if (!claimRef) return undefined;
    const cached = this.#claims.objects.get(claimKey(claimRef));
    const isLetGo = status?.phase === "Released" || status?.phase === "Failed";
    if (!claimRef.uid || cached?.metadata.uid === claimRef.uid || isLetGo) return cached;
    try {
      const { namespace = "", name = "" } = claimRef;
      return await this.#context.client.get(resourceTypes.persistentVolumeClaims, { namespace, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #applyToVolume(volume: PersistentVolume, step: VolumeStep): Promise<PersistentVolume> {
    const { events } = this.#context;
    switch (step.kind) {
      case "update-volume": {
        const free = await this.#writer.volume(volume, step.volume);
        return this.#writer.volumeStatus(free, inPhase(free, "Available"));
      }
      case "look-at-claim":
        this.#claimQueue.add(claimKey(volume.spec.claimRef!));
        return volume;
      case "event":
        events.event(volume, step.event.type, step.event.reason, step.event.message);
        return volume;
      case "volume-phase": {
        const changed = inPhase(volume, step.phase, step.message);
        if (changed === volume) return volume;
        if (step.event) events.event(volume, step.event.type, step.event.reason, step.event.message);
        return this.#writer.volumeStatus(volume, changed);
      }
    }
  }
}

function claimKey({ namespace = "", name = "" }: { readonly namespace?: string; readonly name?: string }): string {
  return `${namespace}/${name}`;
}
