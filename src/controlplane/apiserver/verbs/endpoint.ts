/** A resource in one version with all that its verbs need: what a path leads to. */
import type { ApiResponse, RequestContext } from "../context.ts";
import type { Resource, Version } from "../resources/resource.ts";
import type { Matcher } from "../request/selectors.ts";
import { fieldSelector, labelSelector } from "../request/selectors.ts";
import type { CachedObject } from "../storage/cache.ts";
import type { Registry } from "../storage/registry.ts";
import { ApiError } from "../status.ts";

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
  const labels: Matcher | undefined = labelSelector(selectors.labelSelector);
  const fields: Matcher | undefined = fieldSelector(selectors.fieldSelector, (label) =>
    selectableField(resource, label),
  );
  return (object) =>
    (labels === undefined || labels(object.labels)) &&
    (fields === undefined || fields(object.fields)) &&
    (name === "" || object.fields["metadata.name"] === name);
}

const ofAnyKind: readonly string[] = ["metadata.name", "metadata.namespace"];

/** The stored field that a selector's label names. @throws ApiError 400 in the words of the kind (AddFieldLabelConversionFunc) */
function selectableField(resource: Resource, label: string): string {
  const alias = resource.fieldAliases?.[label];
  if (alias !== undefined) return alias;
  if (ofAnyKind.includes(label) || resource.selectableFields.includes(label)) return label;
  throw new ApiError("BadRequest", unknownField(resource, label));
}

function unknownField({ group, selectableFields, versions }: Resource, label: string): string {
  if (group === "batch" && selectableFields.length > 0) return `field label "${label}" not supported for batchv1.Job`;
  const isCustom = versions.some(({ model }) => model === "");
  if (isCustom || selectableFields.length > 0) return `field label not supported: ${label}`;
  return `${JSON.stringify(label)} is not a known field selector: only "metadata.name", "metadata.namespace"`;
}
