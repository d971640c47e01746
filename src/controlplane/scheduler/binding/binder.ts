/** DefaultBinder: gives a pod its node in the API, after its volumes are ready; several at one time. */
import { messageOf } from "../../../errors/message.ts";
import type { Client } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { VolumeStep } from "../framework/volume_steps.ts";
import type { PodInfo } from "../model/pod_info.ts";

/** Calls that are under way at one time; pods that wait for their volumes are not counted. */
const concurrency = 128;

/** Which step failed, in upstream's words; the cause is what the API said. */
export class BindingError extends Error {
  constructor(step: string, cause: unknown) {
    super(`${step}: ${messageOf(cause)}`, { cause });
    this.name = "BindingError";
  }
}

export interface BinderOptions {
  readonly client: Client;
  /** Carries the volumes' steps out and waits until the volumes are bound. */
  readonly prepareVolumes: (steps: readonly VolumeStep[]) => Promise<void>;
}

export class Binder {
  readonly #options: BinderOptions;
  readonly #active = new Set<Promise<void>>();
  #calls = 0;

  constructor(options: BinderOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#calls >= concurrency;
  }

  /** Calls one of both when it ended. */
  bind(
    pod: PodInfo,
    { nodeName, volumeSteps }: { readonly nodeName: string; readonly volumeSteps: readonly VolumeStep[] },
    onBound: () => void,
    onFailed: (error: unknown) => void,
  ): void {
    const binding = this.#bind(pod, nodeName, volumeSteps)
      .then(onBound, onFailed)
      .finally(() => this.#active.delete(binding));
    this.#active.add(binding);
  }

  /** Waits for what is under way. */
  async stop(): Promise<void> {
    await Promise.all(this.#active);
  }

  async #bind(pod: PodInfo, nodeName: string, steps: readonly VolumeStep[]): Promise<void> {
    const { client, prepareVolumes } = this.#options;
    if (steps.length > 0) {
      await prepareVolumes(steps).catch((error: unknown) => {
        throw new BindingError('running PreBind plugin "VolumeBinding": binding volumes', error);
      });
    }
    const { namespace, name, uid } = pod;
    const metadata = { namespace, name, uid };
    const body = { apiVersion: "v1", kind: "Binding", metadata, target: { kind: "Node", name: nodeName } };
    this.#calls++;
    try {
      await client.createSubresource(resourceTypes.pods, { namespace, name }, "binding", body);
    } catch (error) {
      throw new BindingError('running Bind plugin "DefaultBinder"', error);
    } finally {
      this.#calls--;
    }
  }
}
