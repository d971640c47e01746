/** The parts of the API's requests, whatever carries them. */
import type { DeleteOptions, ObjectKey, Patch } from "./client.ts";
import type { KubeObject } from "../model/kubernetes.ts";
import type { ResourceType } from "./resource_types.ts";

export const patchContentTypes: Readonly<Record<Patch["type"], string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

/** Of an object, its subresource, or without a name of the collection. */
export function pathOf(
  { group, version, plural }: ResourceType<KubeObject>,
  { namespace, name }: Partial<ObjectKey>,
  subresource?: string,
): string {
  const base = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const inNamespace = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  const named = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${base}${inNamespace}/${plural}${named}${subresource === undefined ? "" : `/${subresource}`}`;
}

export function queryOf(parameters: Readonly<Record<string, string | number | boolean | undefined>>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  return query;
}

export function deleteBody(options: DeleteOptions): object {
  return { kind: "DeleteOptions", apiVersion: "v1", ...options };
}

/** What a delete answered: the object where it is still there. */
export function leftBehind<T extends KubeObject>(answer: KubeObject, options: DeleteOptions): T | undefined {
  if (answer.kind === "Status") return undefined;
  const { deletionTimestamp, deletionGracePeriodSeconds: graceSeconds = 0, finalizers = [] } = answer.metadata;
  // Of one that goes at once the answer may be as it was before.
  const isGraceful = graceSeconds > 0 && options.gracePeriodSeconds !== 0;
  const isHeld = isGraceful || finalizers.length > 0;
  return deletionTimestamp !== undefined && isHeld ? (answer as T) : undefined;
}
