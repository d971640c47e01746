/** A resource in one version with all that its verbs need: what a path leads to. */
import type { ApiResponse, RequestContext } from "../context.ts";
import type { Resource, Version } from "../resources/resource.ts";
import type { Matcher } from "../request/selectors.ts";
import { fieldSelector, labelSelector } from "../request/selectors.ts";
import type { CachedObject } from "../storage/cache.ts";
import type { Registry } from "../storage/registry.ts";

export interface Endpoint {
  readonly resource: Resource;
  readonly version: Version;
  readonly registry: Registry;
  /** What every client is warned of (a deprecated version of a custom resource). */
  readonly warning?: string;
  /** What answers its subresources where no one else does, subresource → verb → handler (a custom resource's scale). */
  readonly subresources?: Readonly<Partial<Record<string, Readonly<Partial<Record<string, SubresourceHandler>>>>>>;
}

type SubresourceHandler = (endpoint: Endpoint, context: RequestContext) => Promise<ApiResponse>;

/** "v1", "apps/v1" */
export function groupVersion({ resource, version }: Pick<Endpoint, "resource" | "version">): string {
  return resource.group === "" ? version.version : `${resource.group}/${version.version}`;
}

/** Whether an object is selected by the request's label and field selectors. */
export function selection(
  { resource }: Pick<Endpoint, "resource">,
  selectors: { readonly labelSelector: string | null; readonly fieldSelector: string | null },
  name = "",
): (object: CachedObject) => boolean {
  const selectable = new Set(["metadata.name", "metadata.namespace", ...resource.selectableFields]);
  const labels: Matcher | undefined = labelSelector(selectors.labelSelector);
  const fields: Matcher | undefined = fieldSelector(selectors.fieldSelector, selectable);
  return (object) =>
    (labels === undefined || labels(object.labels)) &&
    (fields === undefined || fields(object.fields)) &&
    (name === "" || object.fields["metadata.name"] === name);
}
