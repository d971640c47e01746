/** The part of an object in which fields are managed, and what changed in it, in every version that managers know. */
import type { ApiObject, ObjectMeta, Resource, Version } from "../../resources/resource.ts";
import { inVersion, toStored } from "../../verbs/convert.ts";
import { groupVersion, type Endpoint } from "../../verbs/endpoint.ts";
import { emptyOfModel } from "../types/empty.ts";
import { typeOfModel, type MergeType } from "../types/merge_type.ts";
import { compare, type Changes } from "./compare.ts";

/** An endpoint as far as versions go. */
export type VersionedResource = Pick<Endpoint, "resource" | "version">;

export function typeOfVersion(version: Version): MergeType {
  return version.mergeType ?? typeOfModel(version.model);
}

/** Metadata that the server alone decides: nobody manages it. */
const unmanaged: ReadonlySet<string> = new Set<keyof ObjectMeta | "selfLink">([
  "name",
  "namespace",
  "creationTimestamp",
  "selfLink",
  "uid",
  "generation",
  "managedFields",
  "resourceVersion",
]);

/** The fields that a write through a subresource keeps: status through its own, all others through the rest. */
export function tracked({ resource }: VersionedResource, object: object, subresource: string): object {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object as Partial<ApiObject>;
  if (subresource === "status") return withMetadata(metadata, ofStatus(resource), pick(rest, "status"));
  const { status, ...others } = rest;
  return withMetadata(metadata, unmanaged, resource.hasStatus || status === undefined ? others : { ...others, status });
}

function pick(object: Record<string, unknown>, field: string): object {
  return field in object ? { [field]: object[field] } : {};
}

/** What of metadata a write of the status leaves as it is. */
function ofStatus({ strategy }: Resource): ReadonlySet<string> {
  return new Set([...unmanaged, "deletionTimestamp", ...(strategy.statusKeeps ?? [])]);
}

function withMetadata(metadata: object | undefined, left: ReadonlySet<string>, rest: object): object {
  if (typeof metadata !== "object" || metadata === null) return rest;
  const managed = Object.entries(metadata).filter(([field]) => !left.has(field));
  return { metadata: Object.fromEntries(managed), ...rest };
}

/** Versions in which a resource's objects can be had. */
export class Versions {
  readonly #endpoint: VersionedResource;

  constructor(endpoint: VersionedResource) {
    this.#endpoint = endpoint;
  }

  /** Undefined for a version that is not served any more. */
  find(apiVersion: string): VersionedResource | undefined {
    if (apiVersion === groupVersion(this.#endpoint)) return this.#endpoint;
    const { resource } = this.#endpoint;
    const version = resource.versions.find(
      (candidate) => groupVersion({ resource, version: candidate }) === apiVersion,
    );
    return version && { resource, version };
  }

  /** An object of one version in another. */
  convert(object: ApiObject, from: VersionedResource, to: VersionedResource): ApiObject {
    return from.version === to.version ? object : inVersion(to, toStored(from, object));
  }
}

/** What a write changes. An object that was not there yet is compared with an empty one. */
export class Comparison {
  readonly #endpoint: VersionedResource;
  readonly #old: ApiObject | undefined;
  readonly #next: ApiObject;
  readonly #subresource: string;
  readonly #versions: Versions;
  readonly #known = new Map<string, Changes | undefined>();

  constructor(endpoint: VersionedResource, old: ApiObject | undefined, next: ApiObject, subresource: string) {
    this.#endpoint = endpoint;
    this.#old = old;
    this.#next = next;
    this.#subresource = subresource;
    this.#versions = new Versions(endpoint);
  }

  /** In the version of the request. */
  own(): Changes {
    return this.at(groupVersion(this.#endpoint))!;
  }

  /** Undefined for a version that is not served any more. */
  at(apiVersion: string): Changes | undefined {
    if (!this.#known.has(apiVersion)) this.#known.set(apiVersion, this.#compared(apiVersion));
    return this.#known.get(apiVersion);
  }

  #compared(apiVersion: string): Changes | undefined {
    const there = this.#versions.find(apiVersion);
    if (!there) return undefined;
    const old = this.#old ? this.#versions.convert(this.#old, this.#endpoint, there) : emptyOf(there.version);
    const next = this.#versions.convert(this.#next, this.#endpoint, there);
    const type = typeOfVersion(there.version);
    return compare(type, tracked(there, old, this.#subresource), tracked(there, next, this.#subresource));
  }
}

export function emptyOf(version: Version): object {
  return version.mergeType ? { metadata: {} } : emptyOfModel(version.model);
}
