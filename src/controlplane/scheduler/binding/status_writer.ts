/** Writes why a pod has no node into its status; a pod's newest word is the one that is written. */
import type { V1PodCondition } from "@kubernetes/client-node";
import type { Client } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { Json, Pod } from "../../../model/kubernetes.ts";

/** Writes that are under way at one time. */
const concurrency = 16;

export interface StatusChange {
  readonly pod: Pod;
  readonly conditions?: readonly Json<V1PodCondition>[];
  /** null: none any more; absent: as it is. */
  readonly nominatedNodeName?: string | null;
}

export class StatusWriter {
  readonly #client: Client;
  readonly #onError: (pod: Pod, error: unknown) => void;
  /** By uid, in the order in which they came. */
  readonly #waiting = new Map<string, StatusChange>();
  readonly #active = new Set<string>();
  #isStopped = false;

  constructor(client: Client, onError: (pod: Pod, error: unknown) => void) {
    this.#client = client;
    this.#onError = onError;
  }

  write(change: StatusChange): void {
    if (this.#isStopped) return;
    const { uid } = change.pod.metadata;
    this.#waiting.set(uid, { ...this.#waiting.get(uid), ...change });
    this.#next();
  }

  /** What waits is dropped. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting.clear();
  }

  #next(): void {
    for (const [uid, change] of this.#waiting) {
      if (this.#active.size >= concurrency) return;
      if (this.#active.has(uid)) continue;
      this.#waiting.delete(uid);
      this.#active.add(uid);
      void this.#send(change).finally(() => {
        this.#active.delete(uid);
        this.#next();
      });
    }
  }

  async #send(change: StatusChange): Promise<void> {
    try {
      await patchStatus(this.#client, change);
    } catch (error) {
      if (!isNotFound(error)) this.#onError(change.pod, error);
    }
  }
}

export async function patchStatus(client: Client, { pod, conditions, nominatedNodeName }: StatusChange): Promise<Pod> {
  const { namespace, name, uid } = pod.metadata;
  const status = {
    ...(conditions ? { conditions } : {}),
    ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
  };
  // The uid: another pod of the same name is not meant.
  const body = { metadata: { uid }, status };
  return client.patch(resourceTypes.pods, { namespace, name }, { type: "strategic", body }, { subresource: "status" });
}
