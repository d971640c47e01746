/** Server-side apply (KEP-555): an applied configuration on top of an object, and who manages what then. */
import type { ApiObject } from "../../resources/resource.ts";
import { ApiError } from "../../status.ts";
import { timestamp } from "../../../../model/timestamp.ts";
import { groupVersion } from "../../verbs/endpoint.ts";
import { touched } from "./compare.ts";
import { conflictError, type Conflict } from "./conflicts.ts";
import { difference, equal, isBare, type FieldSet } from "./fields.ts";
import { areAllowed, fieldsLastApplied, kubectl, noteLastApplied } from "./last_applied.ts";
import { entriesOf, idOf, storedManagers, type Manager, type Managers } from "./managers.ts";
import { merged } from "./merge.ts";
import { conflictsWith, takeFromOthers } from "./others.ts";
import { appliedFields, ConfigurationError } from "./owned.ts";
import { pruned } from "./prune.ts";
import { Comparison, tracked, typeOfVersion, type VersionedResource } from "./tracked.ts";

export interface Apply {
  readonly endpoint: VersionedResource;
  /** Undefined where there is none yet. */
  readonly live: ApiObject | undefined;
  readonly config: ApiObject;
  readonly manager: string;
  readonly subresource: string;
  readonly force: boolean;
  /** Wall clock. */
  readonly nowMs: number;
}

/** Who manages the fields of an object that was there before anybody applied. */
const beforeFirstApply = "before-first-apply";

/**
 * The object after an apply, with its managedFields.
 *
 * @throws ApiError 409 for fields that others manage, unless forced; 400 for a configuration that its type forbids
 */
export function applied(apply: Apply): ApiObject {
  const { endpoint, live, config, manager, subresource } = apply;
  const managers = managersBefore(apply);
  const identity = { name: manager, operation: "Apply", apiVersion: groupVersion(endpoint), subresource } as const;
  const id = idOf(identity);
  const last = managers.get(id);
  const { all, own } = fieldsOf(apply);
  let next = merged(typeOfVersion(endpoint.version), live ?? {}, config) as ApiObject;
  if (last && !isBare(last.fields)) {
    const others = [...managers].filter(([other]) => other !== id).map(([, other]) => other);
    next = pruned(endpoint, next, last, [...others, { ...identity, time: undefined, fields: all }]);
  }
  const comparison = new Comparison(endpoint, live ?? emptyObject(config), next, subresource);
  const changesAt = (apiVersion: string) => comparison.at(apiVersion);
  refuseConflicts(apply, conflictsWith(managers, changesAt, id));
  takeFromOthers(managers, changesAt, id);
  managers.set(id, { ...identity, time: timeOf(apply, last, own, comparison), fields: own });
  return withManagers(apply, next, managers);
}

/** What an object that is not there yet is compared with. */
function emptyObject({ apiVersion, kind }: ApiObject): ApiObject {
  return { apiVersion, kind, metadata: {} };
}

function managersBefore({ endpoint, live, subresource, nowMs }: Apply): Managers {
  const managers = storedManagers(live?.metadata.managedFields);
  if (!live || managers.size > 0) return managers;
  const fields = touched(new Comparison(endpoint, undefined, live, subresource).own());
  if (isBare(fields)) return managers;
  const identity = {
    name: beforeFirstApply,
    operation: "Update",
    apiVersion: groupVersion(endpoint),
    subresource,
  } as const;
  return managers.set(idOf(identity), { ...identity, time: timestamp(nowMs), fields });
}

/** What the configuration names: all of it, and the part that its manager gets. */
function fieldsOf({ endpoint, config, subresource }: Apply): { all: FieldSet; own: FieldSet } {
  const type = typeOfVersion(endpoint.version);
  try {
    return {
      all: appliedFields(type, config),
      own: withoutEmptyMetadata(appliedFields(type, tracked(endpoint, config, subresource))),
    };
  } catch (error) {
    if (error instanceof ConfigurationError) throw typedError(config, error.message);
    throw error;
  }
}

/** Metadata in which only the name stood names nothing that is managed. */
function withoutEmptyMetadata(fields: FieldSet): FieldSet {
  const { "f:metadata": metadata, ...rest } = fields;
  return metadata && isBare(metadata) ? rest : fields;
}

/** Upstream's words for a configuration that its type does not allow; upstream answers 500, where the client is at fault. */
export function typedError(config: ApiObject, problem: string): ApiError {
  const { name, namespace } = config.metadata;
  const where = namespace ? `${namespace}/${name ?? ""}` : `/${name ?? ""}`;
  const what = `${where}; ${config.apiVersion}, Kind=${config.kind}`;
  return new ApiError("BadRequest", `failed to create typed patch object (${what}): ${problem}`);
}

function refuseConflicts({ endpoint, live, manager, subresource, force }: Apply, conflicts: readonly Conflict[]): void {
  if (force || conflicts.length === 0) return;
  const allowed = manager === kubectl && live ? fieldsLastApplied(endpoint, live, subresource) : {};
  const refused = conflicts.filter(({ fields }) => !areAllowed(fields, allowed));
  if (refused.length === 0) return;
  throw conflictError(refused.map((conflict) => ({ ...conflict, fields: difference(conflict.fields, allowed) })));
}

/** The time of the last apply that changed something. */
function timeOf({ nowMs }: Apply, last: Manager | undefined, own: FieldSet, comparison: Comparison): string {
  const { removed, ...changes } = comparison.own();
  const isSame = !removed && isBare(touched(changes)) && last !== undefined && equal(last.fields, own);
  return isSame && last.time !== undefined ? last.time : timestamp(nowMs);
}

function withManagers({ live, config, manager }: Apply, next: ApiObject, managers: Managers): ApiObject {
  const { managedFields: _, ...metadata } = next.metadata;
  const entries = entriesOf(managers);
  const object: ApiObject = { ...next, metadata: { ...metadata, ...(entries ? { managedFields: entries } : {}) } };
  if (live && manager === kubectl) noteLastApplied(object, live, config);
  return object;
}
