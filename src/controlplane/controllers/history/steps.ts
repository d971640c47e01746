/** What sets do with their revisions, and how it is carried out. */
import { keyOf, type Client } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isAlreadyExists, isNotFound } from "../../../api/status_error.ts";
import type { ControllerRevision, KubeObject, New } from "../../../model/kubernetes.ts";
import type { Labels } from "../../../model/label_selector.ts";
import type { OwnWrites } from "../own_writes.ts";
import { controllerOf } from "../ownership.ts";
import { canonicalJson } from "../pods/hash.ts";
import type { NamedRevision } from "./revisions.ts";

export type RevisionStep =
  | { readonly kind: "create-revision"; readonly revision: New<ControllerRevision> & NamedRevision }
  | {
      readonly kind: "update-revision";
      readonly revision: ControllerRevision;
      readonly number?: number;
      readonly labels?: Labels;
    }
  | { readonly kind: "delete-revision"; readonly revision: ControllerRevision };

export interface RevisionContext {
  readonly client: Client;
  readonly writes: OwnWrites<ControllerRevision>;
  readonly key: string;
  readonly owner: KubeObject;
}

/** A revision of the name is there, and is of another template: the hash is another's too. */
export class RevisionCollision extends Error {}

const { controllerRevisions } = resourceTypes;

export async function applyRevisionStep(context: RevisionContext, step: RevisionStep): Promise<void> {
  const { client, writes, key } = context;
  switch (step.kind) {
    case "create-revision":
      return create(context, step.revision);
    case "update-revision": {
      const { revision, number, labels } = step;
      const metadata = labels
        ? { ...revision.metadata, labels: { ...revision.metadata.labels, ...labels } }
        : revision.metadata;
      const changed = { ...revision, metadata, revision: number ?? revision.revision };
      writes.wrote(key, await client.update(controllerRevisions, changed));
      return;
    }
    case "delete-revision":
      await client.delete(controllerRevisions, keyOf(step.revision)).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
      writes.deleted(key, step.revision);
  }
}

async function create(
  { client, writes, key, owner }: RevisionContext,
  revision: New<ControllerRevision> & NamedRevision,
): Promise<void> {
  try {
    writes.wrote(key, await client.create(controllerRevisions, revision));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const { namespace } = owner.metadata;
    const existing = await client.get(controllerRevisions, { namespace, name: revision.metadata.name });
    const isOwn = controllerOf(existing)?.uid === owner.metadata.uid;
    if (!isOwn || canonicalJson(existing.data) !== canonicalJson(revision.data)) throw new RevisionCollision();
    writes.wrote(key, existing);
  }
}
