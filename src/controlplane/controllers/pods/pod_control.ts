/** Makes and deletes pods for an owner, and says so in its Events (pkg/controller RealPodControl). */
import type { Client, DeleteOptions } from "../../../api/client.ts";
import { keyOf } from "../../../api/client.ts";
import type { EventRecorder } from "../../../api/event_recorder.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNamespaceTerminating, isNotFound } from "../../../api/status_error.ts";
import type { KubeObject, New, Pod } from "../../../model/kubernetes.ts";
import { asError } from "./slow_start.ts";

export class PodControl {
  readonly #client: Client;
  readonly #events: EventRecorder;

  constructor(client: Client, events: EventRecorder) {
    this.#client = client;
    this.#events = events;
  }

  /** @throws StatusError of the server's */
  async create(owner: KubeObject, pod: New<Pod>): Promise<Pod> {
    try {
      const { namespace } = owner.metadata;
      const made = await this.#client.create(resourceTypes.pods, {
        ...pod,
        metadata: { ...pod.metadata, ...(namespace === undefined ? {} : { namespace }) },
      });
      this.#events.event(owner, "Normal", "SuccessfulCreate", `Created pod: ${made.metadata.name}`);
      return made;
    } catch (error) {
      // Nothing can be made in a namespace that goes; nobody need be told.
      if (!isNamespaceTerminating(error)) {
        this.#events.event(owner, "Warning", "FailedCreate", `Error creating: ${asError(error).message}`);
      }
      throw error;
    }
  }

  /** @returns whether it was there to be deleted. @throws StatusError of the server's */
  async delete(owner: KubeObject, pod: Pod, options?: DeleteOptions): Promise<boolean> {
    try {
      await this.#client.delete(resourceTypes.pods, keyOf(pod), options);
      this.#events.event(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      this.#events.event(owner, "Warning", "FailedDelete", `Error deleting: ${asError(error).message}`);
      throw error;
    }
  }
}
