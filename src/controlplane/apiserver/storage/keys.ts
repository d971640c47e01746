/** Keys of objects in the store: `/<resource>/<namespace>/<name>`, or `/<resource>/<name>` without a namespace. */
import type { Resource } from "../resources/resource.ts";

/** Key of one object. */
export function objectKey(resource: Resource, namespace: string | undefined, name: string): string {
  return `${prefixOf(resource, namespace)}${name}`;
}

/** Prefix of a resource's keys, in one namespace or in all. */
export function prefixOf(resource: Resource, namespace?: string): string {
  const all = `/${resource.storedAs}/`;
  return resource.namespaced && namespace !== undefined ? `${all}${namespace}/` : all;
}
