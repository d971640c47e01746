/** Who is meant: objects as owner references name them. Pure. */
import type { ObjectMeta, OwnerReference } from "../../../model/kubernetes.ts";

export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  /** "" of what is cluster-wide. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What of metadata decides about garbage; all that is kept of objects that nobody else follows. */
export type OwnedMetadata = Pick<
  ObjectMeta,
  "name" | "namespace" | "uid" | "resourceVersion" | "ownerReferences" | "finalizers" | "deletionTimestamp"
>;

export function identityText({ apiVersion, kind, namespace, name, uid }: Identity): string {
  return `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
}

export function isSameIdentity(a: Identity, b: Identity): boolean {
  return a.namespace === b.namespace && matchesCoordinates(a, b);
}

/** Whether a reference means the object: everything but the namespace, which a reference does not say. */
export function matchesCoordinates(
  a: Pick<OwnerReference, "apiVersion" | "kind" | "name" | "uid">,
  b: Pick<OwnerReference, "apiVersion" | "kind" | "name" | "uid">,
): boolean {
  return a.uid === b.uid && a.name === b.name && a.kind === b.kind && a.apiVersion === b.apiVersion;
}

/** The owner that a reference of an object in this namespace means. */
export function ownerIdentity({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): Identity {
  return { apiVersion, kind, name, uid, namespace };
}
