/**
 * A resource of the API as data. Routing, discovery, OpenAPI, defaulting, validation, printing and
 * storage all read these rows: a new resource is a row.
 */
import type { MergeType } from "../patch/types/merge_type.ts";
import type { Cause } from "../status.ts";

export type Verb = "create" | "delete" | "deletecollection" | "get" | "list" | "patch" | "update" | "watch";

export const allVerbs: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

/** An object of the API as JSON.parse gives it. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: "Apply" | "Update";
  apiVersion?: string;
  time?: string;
  fieldsType?: "FieldsV1";
  fieldsV1?: object;
  subresource?: string;
}

/** A selectable field's value, as text. */
export type FieldReader = (object: ApiObject) => string;

/** A column that kubectl shows; priority 1 is for `-o wide`. */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: "name";
  readonly description: string;
  readonly priority: 0 | 1;
  /** The cell. @param nowMs for ages */
  readonly cell: (object: ApiObject, nowMs: number) => string | number | boolean | null;
}

export interface Version {
  readonly version: string;
  /** Name of the model of its kind, "V1Pod". */
  readonly model: string;
  /** How its values merge where no model says it: a custom resource's (`patch/types/structural.ts`). */
  readonly mergeType?: MergeType;
  /**
   * Takes the place of the model's check of fields: a custom resource's are what its definition says. Unknown fields
   * go, and are told as asked. @throws ApiError 400
   */
  readonly checkFields?: (object: ApiObject, validation: "Ignore" | "Warn" | "Strict", warnings: string[]) => void;
  /** To and from the version that is stored; absent where they are equal but for apiVersion. */
  readonly convert?: {
    toStored(object: ApiObject): ApiObject;
    fromStored(object: ApiObject): ApiObject;
  };
}

export interface Subresource {
  readonly name: string;
  readonly verbs: readonly ("create" | "get" | "patch" | "update")[];
  /** Kind of the body where it is not the resource's own ("Scale", "Eviction"), with its group and version. */
  readonly kind?: string;
  readonly group?: string;
  readonly version?: string;
}

/**
 * What is particular to a kind in the life of its objects. Each may change the object it is given.
 * `subresource` is "" for the object itself; for "status" the spec is the old one already.
 */
export interface Strategy {
  /** Fields of metadata that a write of the status leaves as they are; none of most kinds. */
  readonly statusKeeps?: readonly (keyof ObjectMeta)[];
  /**
   * What becomes of dependents where a deletion says nothing of them; of most kinds they are deleted in the background.
   * Those of kinds that are "unsupported" are never waited for (upstream's DefaultGarbageCollectionPolicy).
   */
  readonly dependents?: "orphan" | "unsupported";
  /** Finalizers that a deletion adds: something is to be cleaned up before the object goes. */
  readonly deletionFinalizers?: readonly string[];
  /** Upstream's defaults (k8s.io/kubernetes/pkg/apis/…/defaults.go), of the version that was sent. */
  defaults?(object: ApiObject): void;
  /** Once admission has changed the object, before it is created: clears what clients may not set. */
  prepareCreate?(object: ApiObject): void;
  /** Before an object is updated: keeps what clients may not change. */
  prepareUpdate?(object: ApiObject, old: ApiObject, subresource: string): void;
  validateCreate?(object: ApiObject): Cause[];
  validateUpdate?(object: ApiObject, old: ApiObject, subresource: string): Cause[];
}

export interface Resource {
  readonly group: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  /** The preferred version first; the first is also the one stored. */
  readonly versions: readonly [Version, ...Version[]];
  readonly subresources: readonly Subresource[];
  /** Has a status that only its subresource changes. */
  readonly hasStatus: boolean;
  /** Counts metadata.generation up when its spec changes. */
  readonly hasGeneration: boolean;
  /** Fields that a field selector may name, besides metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
  /** Values of such fields that are not simply what stands at their path. */
  readonly fieldReaders?: Readonly<Record<string, FieldReader>>;
  /** Other names that a field selector may have for fields: name → selectable field of what is stored. */
  readonly fieldAliases?: Readonly<Record<string, string>>;
  /** Where it is kept: "pods"; two groups may show the same objects (events). */
  readonly storedAs: string;
  /** Seconds after which its objects go away by themselves (events). */
  readonly ttlSeconds?: number;
  readonly strategy: Strategy;
  readonly columns: readonly Column[];
}

/** A row of the table as it is written; the rest has defaults. */
export interface Row {
  readonly plural: string;
  readonly kind: string;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly clusterScoped?: true;
  readonly verbs?: readonly Verb[];
  readonly versions?: readonly [Version, ...Version[]];
  /** Name of the model where it is not `V1<Kind>`. */
  readonly model?: string;
  readonly status?: true;
  readonly generation?: true;
  readonly subresources?: readonly Subresource[];
  readonly selectableFields?: readonly string[];
  readonly fieldReaders?: Readonly<Record<string, FieldReader>>;
  readonly fieldAliases?: Readonly<Record<string, string>>;
  readonly storedAs?: string;
  readonly ttlSeconds?: number;
  readonly strategy?: Strategy;
  readonly columns?: readonly Column[];
}

const statusSubresource: Subresource = { name: "status", verbs: ["get", "patch", "update"] };

/** The resources of a group from its rows. */
export function group(name: string, rows: readonly Row[]): readonly Resource[] {
  return rows.map((row) => ({
    group: name,
    plural: row.plural,
    kind: row.kind,
    singular: row.singular ?? row.kind.toLowerCase(),
    shortNames: row.shortNames ?? [],
    categories: row.categories ?? [],
    namespaced: !row.clusterScoped,
    verbs: row.verbs ?? allVerbs,
    versions: row.versions ?? [{ version: "v1", model: row.model ?? `V1${row.kind}` }],
    subresources: [...(row.status ? [statusSubresource] : []), ...(row.subresources ?? [])],
    hasStatus: row.status ?? false,
    hasGeneration: row.generation ?? false,
    selectableFields: row.selectableFields ?? [],
    ...(row.fieldReaders ? { fieldReaders: row.fieldReaders } : {}),
    ...(row.fieldAliases ? { fieldAliases: row.fieldAliases } : {}),
    storedAs: row.storedAs ?? (name === "" ? row.plural : `${name}/${row.plural}`),
    ...(row.ttlSeconds === undefined ? {} : { ttlSeconds: row.ttlSeconds }),
    strategy: row.strategy ?? {},
    columns: row.columns ?? [],
  }));
}
