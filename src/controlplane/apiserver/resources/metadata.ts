/** Parts of metadata that strategies keep as they are. */
import type { ObjectMeta } from "./resource.ts";

/** All that users may change of it: apimachinery's ResetObjectMetaForStatus. */
export const userMetadata: readonly (keyof ObjectMeta)[] = ["labels", "annotations", "finalizers", "ownerReferences"];

/** Puts fields back to what they were. */
export function keepMetadata(metadata: ObjectMeta, old: ObjectMeta, fields: readonly (keyof ObjectMeta)[]): void {
  for (const field of fields) {
    if (old[field] === undefined) delete metadata[field];
    else (metadata as Record<string, unknown>)[field] = old[field];
  }
}
