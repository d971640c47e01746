/** Writes claims and volumes where they change, and waits until the informers have it. */
import type { Informer } from "../../../api/informer.ts";
import { resourceTypes, type ResourceType } from "../../../api/resource_types.ts";
import type { KubeObject, PersistentVolume, PersistentVolumeClaim } from "../../../model/kubernetes.ts";
import { semanticEqual } from "../../../model/equality.ts";
import type { ControllerContext } from "../controller.ts";

export class VolumeWriter {
  readonly #context: ControllerContext;

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  volume(before: PersistentVolume, after: PersistentVolume): Promise<PersistentVolume> {
    return this.#write(resourceTypes.persistentVolumes, before, after);
  }

  volumeStatus(before: PersistentVolume, after: PersistentVolume): Promise<PersistentVolume> {
    return this.#write(resourceTypes.persistentVolumes, before, after, "status");
  }

  claim(before: PersistentVolumeClaim, after: PersistentVolumeClaim): Promise<PersistentVolumeClaim> {
    return this.#write(resourceTypes.persistentVolumeClaims, before, after);
  }

  claimStatus(before: PersistentVolumeClaim, after: PersistentVolumeClaim): Promise<PersistentVolumeClaim> {
    return this.#write(resourceTypes.persistentVolumeClaims, before, after, "status");
  }

  async #write<T extends KubeObject>(type: ResourceType<T>, before: T, after: T, subresource?: string): Promise<T> {
    if (before === after || semanticEqual(before, after)) return before;
    const { client, informers } = this.#context;
    const written = await client.update(type, after, subresource === undefined ? {} : { subresource });
    const informer: Informer<T> = informers.of(type);
    await informer.saw(written);
    return written;
  }
}
