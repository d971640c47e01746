/** Removes the folders of local-path volumes that are being deleted, and lets the volumes go (docs/decisions/045). */
import type { Client } from "../../../api/client.ts";
import { Informer } from "../../../api/informer.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isConflict, isNotFound } from "../../../api/status_error.ts";
import { WorkQueue } from "../../../reconcile/work_queue.ts";
import { removeUnmounted } from "../mounts.ts";
import { planRemoval, type LocalPathNode } from "./plan.ts";

export interface RemoverOptions {
  readonly client: Client;
  readonly node: LocalPathNode;
  readonly onError: (attempted: string, error: unknown) => void;
}

/** @returns how to stop it */
export function removeLocalPaths({ client, node, onError }: RemoverOptions): () => Promise<void> {
  const type = resourceTypes.persistentVolumes;
  const volumes = new Informer(client, type, { onError: (error) => onError("follow persistent volumes", error) });
  const queue = new WorkQueue({
    workers: 1,
    backoff: { firstMs: 500, maxMs: 60_000 },
    onError: (name, error) => {
      if (!isConflict(error)) onError(`remove the folder of volume ${name}`, error);
    },
    reconcile: async (name) => {
      const volume = volumes.objects.get(name);
      const removal = volume && planRemoval(volume, node);
      if (!removal) return undefined;
      // What a pod has mounted in its volume, with propagation, is somebody else's.
      await removeUnmounted(removal.folder);
      const { resourceVersion } = volume.metadata;
      const body = { metadata: { resourceVersion, finalizers: removal.finalizers } };
      await client.patch(type, { name }, { type: "merge", body }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
      return undefined;
    },
  });
  const look = ({ metadata }: { metadata: { name: string } }): void => queue.add(metadata.name);
  volumes.subscribe({ onAdd: look, onUpdate: (_, volume) => look(volume) });
  volumes.start();
  queue.start();
  return () => {
    volumes.stop();
    return queue.stop();
  };
}
