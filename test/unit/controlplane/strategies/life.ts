/** The life of an object under its row's strategy, without a server: defaults, create, update. */
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { builtIn } from "../../../../src/controlplane/apiserver/resources/table.ts";
import type { Cause } from "../../../../src/controlplane/apiserver/status.ts";
import { validateMetadata } from "../../../../src/controlplane/apiserver/validation/metadata.ts";

export type Fields = Record<string, unknown>;

function resourceOf(object: ApiObject) {
  const group = object.apiVersion.includes("/") ? object.apiVersion.split("/")[0]! : "";
  const found = builtIn.find((resource) => resource.kind === object.kind && resource.group === group);
  if (!found) throw new Error(`no row for ${object.apiVersion} ${object.kind}`);
  return found;
}

/** An object as YAML would have it; namespaced kinds are in "default". */
export function object(apiVersion: string, kind: string, fields: Fields = {}, metadata: Fields = {}): ApiObject {
  const made = { apiVersion, kind, metadata: { name: "x", ...metadata }, ...structuredClone(fields) } as ApiObject;
  if (resourceOf(made).namespaced) made.metadata.namespace ??= "default";
  made.metadata.uid = "0c1d2e3f-0000-4000-8000-000000000000";
  return made;
}

/** As it is stored: with its defaults, prepared. */
export function created(sent: ApiObject): ApiObject {
  const resource = resourceOf(sent);
  const made = structuredClone(sent);
  resource.strategy.defaults?.(made);
  if (resource.hasStatus) delete made["status"];
  resource.strategy.prepareCreate?.(made);
  return made;
}

/** "FieldValueInvalid spec.replicas", in order. */
export function refusals(sent: ApiObject): string[] {
  return causes(sent).map(({ reason, field }) => `${reason.replace("FieldValue", "")} ${field}`);
}

export function causes(sent: ApiObject): Cause[] {
  const made = created(sent);
  const resource = resourceOf(made);
  return [...validateMetadata(resource, made, undefined), ...(resource.strategy.validateCreate?.(made) ?? [])];
}

/** Causes for which the change of an object is refused. */
export function updateCauses(old: ApiObject, change: (next: ApiObject) => void, subresource = ""): Cause[] {
  const before = created(old);
  const after = structuredClone(before);
  change(after);
  const resource = resourceOf(after);
  if (subresource === "") resource.strategy.defaults?.(after);
  resource.strategy.prepareUpdate?.(after, before, subresource);
  const particular = resource.strategy.validateUpdate?.(after, before, subresource) ?? [];
  return [...validateMetadata(resource, after, before), ...particular];
}

export function updateRefusals(old: ApiObject, change: (next: ApiObject) => void, subresource = ""): string[] {
  return updateCauses(old, change, subresource).map(
    ({ reason, field }) => `${reason.replace("FieldValue", "")} ${field}`,
  );
}

/** Causes for which a stored object's status is refused. */
export function statusCauses(before: ApiObject, after: ApiObject): Cause[] {
  const { strategy } = resourceOf(after);
  strategy.prepareUpdate?.(after, before, "status");
  return strategy.validateUpdate?.(after, before, "status") ?? [];
}
