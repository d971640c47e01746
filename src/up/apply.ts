/** Objects that a cluster is to have. */
import type { Client } from "../api/client.ts";
import { resourceTypes, type ResourceType } from "../api/resource_types.ts";
import type { KubeObject } from "../model/kubernetes.ts";

/** Server-side apply, one after another: what is there already stays as it is. */
export async function applyAll(client: Client, objects: readonly object[]): Promise<void> {
  for (const object of objects as readonly KubeObject[]) {
    const type = Object.values(resourceTypes).find((one) => one.kind === object.kind) as ResourceType<KubeObject>;
    const { name, namespace } = object.metadata;
    const key = { name, ...(namespace === undefined ? {} : { namespace }) };
    await client.patch(type, key, { type: "apply", body: object, force: true }, { fieldManager: "fairlead-up" });
  }
}
