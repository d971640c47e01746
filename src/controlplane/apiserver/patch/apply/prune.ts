/**
 * What an applier gave up goes: fields that it applied last time, does not apply now, and nobody else manages
 * (structured-merge-diff, Updater.prune).
 */
import type { ApiObject } from "../../resources/resource.ts";
import { difference, intersection, union, type FieldSet } from "./fields.ts";
import type { Manager } from "./managers.ts";
import { namedFields, withNamedParents } from "./owned.ts";
import { without } from "./remove.ts";
import { typeOfVersion, Versions, type VersionedResource } from "./tracked.ts";

/**
 * @param merged in the endpoint's version
 * @param last what the applier had
 * @param managers all as they are now, the applier with all that it applies
 */
export function pruned(
  endpoint: VersionedResource,
  merged: ApiObject,
  last: Manager,
  managers: readonly Manager[],
): ApiObject {
  const versions = new Versions(endpoint);
  const there = versions.find(last.apiVersion);
  if (!there) return merged;
  const type = typeOfVersion(there.version);
  const before = versions.convert(merged, endpoint, there);
  const lastFields = withNamedParents(type, last.fields);
  const left = (without(type, before, lastFields) ?? {}) as ApiObject;
  const kept = withOwned(versions, there, before, left, managers);
  const gone = difference(
    withNamedParents(type, namedFields(type, before)),
    withNamedParents(type, namedFields(type, kept)),
  );
  const result = without(type, before, intersection(gone, lastFields)) as ApiObject;
  return versions.convert(result, there, endpoint);
}

/** The pruned object with what was pruned though somebody manages it, version by version. */
function withOwned(
  versions: Versions,
  there: VersionedResource,
  merged: ApiObject,
  prunedObject: ApiObject,
  managers: readonly Manager[],
): ApiObject {
  let result = prunedObject;
  for (const [apiVersion, managed] of managedByVersion(managers)) {
    const version = versions.find(apiVersion);
    if (!version) continue;
    const type = typeOfVersion(version.version);
    const whole = versions.convert(merged, there, version);
    const now = versions.convert(result, there, version);
    const wanted = union(withNamedParents(type, namedFields(type, now)), withNamedParents(type, managed));
    const all = withNamedParents(type, namedFields(type, whole));
    result = versions.convert((without(type, whole, difference(all, wanted)) ?? {}) as ApiObject, version, there);
  }
  return result;
}

function managedByVersion(managers: readonly Manager[]): Map<string, FieldSet> {
  const byVersion = new Map<string, FieldSet>();
  for (const { apiVersion, fields } of managers) {
    byVersion.set(apiVersion, union(byVersion.get(apiVersion) ?? {}, fields));
  }
  return byVersion;
}
