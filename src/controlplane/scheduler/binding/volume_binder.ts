/** Carries the volumes' steps out and waits until the claims are bound (volumebinding BindPodVolumes). */
import type { Client } from "../../../api/client.ts";
import type { Informers } from "../../../api/informers.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { PersistentVolumeClaim } from "../../../model/kubernetes.ts";
import type { Clock } from "../../../reconcile/clock.ts";
import type { VolumeStep } from "../framework/volume_steps.ts";
import { boundByControllerAnnotation, boundVolume, selectedNodeAnnotation } from "../volumes/claims.ts";

/** bindTimeoutSeconds */
const longestMs = 600_000;

export interface VolumeBinderOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
}

export class VolumeBinder {
  readonly #options: VolumeBinderOptions;
  readonly #waiting = new Set<(error: Error) => void>();

  constructor(options: VolumeBinderOptions) {
    this.#options = options;
  }

  /** @throws what the server refuses, or that a claim was not bound in time */
  async prepare(steps: readonly VolumeStep[]): Promise<void> {
    for (const step of steps) await this.#apply(step);
    await Promise.all(steps.map((step) => this.#bound(step)));
  }

  /** Ends all waits. */
  stop(): void {
    for (const fail of this.#waiting) fail(new Error("the scheduler stops"));
  }

  async #apply(step: VolumeStep): Promise<void> {
    const { client } = this.#options;
    const claim = this.#claim(step);
    const { name, uid, resourceVersion, annotations } = claim.metadata;
    const { namespace } = step;
    if (step.type === "SelectNode") {
      const selected = { ...annotations, [selectedNodeAnnotation]: step.nodeName };
      // With its version: a claim that changed meanwhile is looked at anew.
      const changed = { ...claim, metadata: { ...claim.metadata, annotations: selected } };
      await client.update(resourceTypes.persistentVolumeClaims, changed);
      return;
    }
    const volume = this.#options.informers.of(resourceTypes.persistentVolumes).objects.get(step.volume);
    if (!volume) throw new Error(`persistentvolume "${step.volume}" not found`);
    if (volume.spec.claimRef?.uid === uid) return;
    const claimRef = { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace, name, uid, resourceVersion };
    // A volume that its owner meant for the claim is not given back when the claim goes.
    const byUs = volume.spec.claimRef ? {} : { [boundByControllerAnnotation]: "yes" };
    const metadata = { ...volume.metadata, annotations: { ...volume.metadata.annotations, ...byUs } };
    await client.update(resourceTypes.persistentVolumes, { ...volume, metadata, spec: { ...volume.spec, claimRef } });
  }

  #claim({ namespace, claim: name }: VolumeStep): PersistentVolumeClaim {
    const claim = this.#options.informers.of(resourceTypes.persistentVolumeClaims).objects.get(`${namespace}/${name}`);
    if (!claim) throw new Error(`could not get PVC ${namespace}/${name}`);
    return claim;
  }

  #bound(step: VolumeStep): Promise<void> {
    const { informers, clock } = this.#options;
    const claims = informers.of(resourceTypes.persistentVolumeClaims);
    const key = `${step.namespace}/${step.claim}`;
    return new Promise((resolve, reject) => {
      const end = (error?: Error): void => {
        cancel();
        unsubscribe();
        this.#waiting.delete(end);
        if (error) reject(error);
        else resolve();
      };
      let sawSelection = false;
      const look = (): void => {
        const claim = claims.objects.get(key);
        if (!claim) return end(new Error(`could not get PVC ${key}`));
        if (boundVolume(claim) !== undefined) return end();
        if (step.type !== "SelectNode") return;
        const selected = claim.metadata.annotations?.[selectedNodeAnnotation];
        if (selected === step.nodeName) sawSelection = true;
        else if (sawSelection) end(new Error(`selectedNode annotation reset for PVC "${step.claim}"`));
      };
      const cancel = clock.after(longestMs, () => end(new Error("timed out waiting for the condition")));
      const unsubscribe = claims.subscribe({ onUpdate: look, onDelete: look });
      this.#waiting.add(end);
      look();
    });
  }
}
