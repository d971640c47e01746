/** Reads and changes objects of any kind by their identity. */
import type { Client, ObjectKey } from "../../../api/client.ts";
import type { ServedResource } from "../../../api/discovery.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { KubeObject, ObjectMeta } from "../../../model/kubernetes.ts";
import type { Identity, OwnedMetadata } from "./identity.ts";
import { unblocked, withoutOwners, type GarbageStep } from "./plan.ts";

/** A kind that discovery does not name: it may come yet, or never was. */
export class UnknownKindError extends Error {
  constructor({ apiVersion, kind }: Pick<Identity, "apiVersion" | "kind">) {
    super(`no matches for kind "${kind}" in version "${apiVersion}"`);
    this.name = "UnknownKindError";
  }
}

export type ResourceOf = (identity: Pick<Identity, "apiVersion" | "kind">) => ServedResource | undefined;

export class LiveObjects {
  readonly #client: Client;
  readonly #resourceOf: ResourceOf;

  constructor(client: Client, resourceOf: ResourceOf) {
    this.#client = client;
    this.#resourceOf = resourceOf;
  }

  /** @throws UnknownKindError */
  typeOf(identity: Pick<Identity, "apiVersion" | "kind">): ServedResource {
    const type = this.#resourceOf(identity);
    if (!type) throw new UnknownKindError(identity);
    return type;
  }

  /** @returns undefined where it is gone, or another has its name @throws UnknownKindError */
  async read(identity: Identity): Promise<KubeObject | undefined> {
    const type = this.typeOf(identity);
    try {
      const object = await this.#client.get<KubeObject>(type, keyOf(identity, type));
      return object.metadata.uid === identity.uid ? object : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** @param metadata as it was read: whoever changed it since makes this a conflict */
  async apply(identity: Identity, metadata: OwnedMetadata, step: GarbageStep): Promise<void> {
    switch (step.type) {
      case "delete": {
        const { uid, resourceVersion } = metadata;
        const type = this.typeOf(identity);
        const options = { propagationPolicy: step.policy, preconditions: { uid, resourceVersion } };
        await this.#client.delete(type, keyOf(identity, type), options);
        return;
      }
      case "disown":
        return this.#patch(identity, metadata, { ownerReferences: withoutOwners(metadata, step.uids) });
      case "unblock":
        return this.#patch(identity, metadata, { ownerReferences: unblocked(metadata) });
    }
  }

  /** Takes a finalizer away where it is still there. */
  async removeFinalizer(identity: Identity, finalizer: string): Promise<void> {
    const object = await this.read(identity);
    if (!object?.metadata.finalizers?.includes(finalizer)) return;
    const finalizers = object.metadata.finalizers.filter((name) => name !== finalizer);
    await this.#patch(identity, object.metadata, { finalizers });
  }

  /** Takes the reference to an owner away. */
  async disown(identity: Identity, uid: string): Promise<void> {
    const object = await this.read(identity);
    if (!object?.metadata.ownerReferences?.some((owner) => owner.uid === uid)) return;
    await this.#patch(identity, object.metadata, { ownerReferences: withoutOwners(object.metadata, [uid]) });
  }

  /** A merge patch, which custom resources take too: lists are sent whole, so the version has to be the one read. */
  async #patch(
    identity: Identity,
    { uid, resourceVersion }: OwnedMetadata,
    change: Pick<ObjectMeta, "ownerReferences" | "finalizers">,
  ): Promise<void> {
    const type = this.typeOf(identity);
    const lists = Object.entries(change).map(([name, list]) => [name, list.length === 0 ? null : list]);
    const body = { metadata: { uid, resourceVersion, ...(Object.fromEntries(lists) as object) } };
    try {
      await this.#client.patch(type, keyOf(identity, type), { type: "merge", body });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function keyOf({ namespace, name }: Identity, { namespaced }: ServedResource): ObjectKey {
  return namespaced ? { namespace, name } : { name };
}
