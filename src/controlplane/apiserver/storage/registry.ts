/**
 * The life of a resource's objects in the store: created, updated and deleted under their strategy,
 * admission and preconditions (upstream's generic registry).
 */
import { randomUUID } from "node:crypto";
import { FairleadError } from "../../../errors/catalogue.ts";
import type { Fence, Store, WriteOptions } from "../../store/store.ts";
import type { AdmissionChain, AdmissionRequest } from "../admission/admission.ts";
import type { User } from "../context.ts";
import { keepMetadata } from "../resources/metadata.ts";
import type { ApiObject, Resource, Strategy } from "../resources/resource.ts";
import { alreadyExists, ApiError, conflict, invalid, notFound, type Cause } from "../status.ts";
import type { ResourceCache } from "./cache.ts";
import { objectKey, prefixOf } from "./keys.ts";
import { isServedFormOf, parseObject, servedBytes, storedBytes } from "./object_bytes.ts";
import { deletionOf, isReleased, type DeleteOptions } from "./deletion.ts";
import { specChanged } from "./generation.ts";
import { timestamp } from "../../../model/timestamp.ts";

export interface WriteRequest {
  readonly user: User;
  readonly dryRun: boolean;
  readonly warnings: string[];
  readonly subresource: string;
  readonly fence?: Fence | undefined;
}

/** How an object is saved, whatever it is. */
type SaveOptions = Pick<WriteRequest, "dryRun" | "fence">;

export interface RegistryOptions {
  readonly resource: Resource;
  readonly store: Store;
  readonly admission: AdmissionChain;
  /** Checks an object whole, metadata included. */
  readonly validate: (object: ApiObject, old: ApiObject | undefined, subresource: string) => Cause[];
  /** Wall clock in ms. */
  readonly now: () => number;
}

/** A written object: as an object, and as the bytes to send. */
export interface Written {
  readonly object: ApiObject;
  readonly bytes: Buffer;
}

/** Makes the new object from the current one. It may be called again when another writer was first. */
export type Change = (current: ApiObject) => ApiObject | Promise<ApiObject>;

/** Attempts at an unconditional update under contention (a patch, a status). */
const conflictAttempts = 10;
/** Attempts at a generated name that is free. */
const nameAttempts = 8;

/** What changes the status alone: an approval is one of its conditions. */
const statusSubresources: ReadonlySet<string> = new Set(["status", "approval"]);

export class Registry {
  readonly resource: Resource;
  readonly cache: ResourceCache;
  readonly #options: RegistryOptions;

  private constructor(options: RegistryOptions, cache: ResourceCache) {
    this.resource = options.resource;
    this.#options = options;
    this.cache = cache;
  }

  static async start(options: RegistryOptions, cache: ResourceCache): Promise<Registry> {
    await cache.current();
    return new Registry(options, cache);
  }

  /** @throws ApiError 404 */
  async get(namespace: string, name: string): Promise<Written> {
    await this.cache.current();
    const found = this.cache.get(objectKey(this.resource, namespace, name));
    if (!found) throw notFound(this.resource, name);
    return { object: parseObject(found.bytes), bytes: found.bytes };
  }

  /** @param object decoded, with its defaults; it is changed */
  async create(object: ApiObject, namespace: string, request: WriteRequest): Promise<Written> {
    this.#prepareCreate(object, namespace);
    for (let attempt = 1; ; attempt++) {
      if (object.metadata.generateName && attempt > 1) object.metadata.name = generatedName(object);
      try {
        return await this.#createNamed(object, namespace, request);
      } catch (error) {
        const taken = error instanceof ApiError && error.reason === "AlreadyExists";
        if (!taken || !object.metadata.generateName || attempt === nameAttempts) throw error;
      }
    }
  }

  #prepareCreate(object: ApiObject, namespace: string): void {
    const { metadata } = object;
    metadata.uid = randomUUID();
    metadata.creationTimestamp = timestamp(this.#options.now());
    delete metadata.resourceVersion;
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    if (this.resource.namespaced) metadata.namespace = namespace;
    if (!metadata.name && metadata.generateName) metadata.name = generatedName(object);
    if (this.resource.hasGeneration) metadata.generation = 1;
    else delete metadata.generation;
    if (this.resource.hasStatus) delete object["status"];
  }

  async #createNamed(object: ApiObject, namespace: string, request: WriteRequest): Promise<Written> {
    const name = object.metadata.name ?? "";
    const admission = this.#admission("CREATE", object, undefined, namespace, name, request);
    await this.#options.admission.admit(admission);
    this.resource.strategy.prepareCreate?.(object);
    this.#check(object, undefined, request.subresource);
    await this.#options.admission.validate(admission);
    return this.#options.admission.reserving(admission, () => this.#saveNew(object, namespace, request));
  }

  async #saveNew(object: ApiObject, namespace: string, options: SaveOptions): Promise<Written> {
    const name = object.metadata.name ?? "";
    const key = objectKey(this.resource, namespace, name);
    const stored = storedBytes(object);
    if (options.dryRun) {
      if (this.cache.get(key)) throw alreadyExists(this.resource, name);
      return written(stored, undefined);
    }
    const write = this.#writeOptions(options);
    const revision = await this.#options.store.create(key, stored, write).catch((error: unknown) => {
      if (error instanceof FairleadError && error.code === "STORE_EXISTS") throw alreadyExists(this.resource, name);
      throw error;
    });
    return written(stored, revision);
  }

  /**
   * Changes an object. With a resourceVersion in what `change` returns, it must be the current one;
   * without, the change is made again on top of whatever came between.
   */
  async update(namespace: string, name: string, change: Change, request: WriteRequest): Promise<Written> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#updateOnce(namespace, name, change, request);
      } catch (error) {
        const raced = error instanceof FairleadError && error.code === "STORE_CONFLICT";
        if (!raced) throw error;
        if (attempt === conflictAttempts) throw conflict(this.resource, name, modified);
      }
    }
  }

  /**
   * Changes an object past strategy and admission: what the server itself decides (a binding, what an
   * eviction counts). It is made again on top of whatever came between.
   */
  async amend(
    namespace: string,
    name: string,
    change: (object: ApiObject) => void,
    options: SaveOptions,
  ): Promise<Written> {
    for (let attempt = 1; ; attempt++) {
      const current = await this.get(namespace, name);
      const object = parseObject(current.bytes);
      change(object);
      try {
        return await this.#save(namespace, name, object, current, options);
      } catch (error) {
        const raced = error instanceof FairleadError && error.code === "STORE_CONFLICT";
        if (!raced) throw error;
        if (attempt === conflictAttempts) throw conflict(this.resource, name, modified);
      }
    }
  }

  async #updateOnce(namespace: string, name: string, change: Change, request: WriteRequest): Promise<Written> {
    const read = await this.get(namespace, name);
    const { object: current } = read;
    // Parsed once more: a structured clone takes three times as long.
    const object = await change(parseObject(read.bytes));
    this.#prepareUpdate(object, current, name, request.subresource);
    const admission = this.#admission("UPDATE", object, current, namespace, name, request);
    await this.#options.admission.admit(admission);
    this.#check(object, current, request.subresource);
    await this.#options.admission.validate(admission);
    const save = (): Promise<Written> => this.#save(namespace, name, object, read, request);
    return this.#options.admission.reserving(admission, save);
  }

  #prepareUpdate(object: ApiObject, current: ApiObject, name: string, subresource: string): void {
    const wanted = object.metadata.resourceVersion;
    if (wanted !== undefined && wanted !== "" && wanted !== current.metadata.resourceVersion) {
      throw conflict(this.resource, name, modified);
    }
    if (object.metadata.uid !== undefined && object.metadata.uid !== current.metadata.uid) {
      const why = `Precondition failed: UID in precondition: ${object.metadata.uid}, UID in object meta: ${current.metadata.uid}`;
      throw conflict(this.resource, name, why);
    }
    object.metadata.resourceVersion = current.metadata.resourceVersion!;
    keepMetadata(object.metadata, current.metadata, serverMetadata);
    const isOfStatus = statusSubresources.has(subresource);
    if (this.resource.hasStatus && !isOfStatus) keep(object, current, "status");
    if (isOfStatus) keepAllButStatus(object, current, this.resource.strategy.statusKeeps ?? []);
    this.resource.strategy.prepareUpdate?.(object, current, subresource);
    if (this.resource.hasGeneration) {
      const before = current.metadata.generation ?? 1;
      object.metadata.generation = specChanged(object, current) ? before + 1 : before;
    }
  }

  /** Writes what changed; an object that waited for its finalizers alone goes when the last one is gone. */
  async #save(
    namespace: string,
    name: string,
    object: ApiObject,
    current: Written,
    options: SaveOptions,
  ): Promise<Written> {
    const key = objectKey(this.resource, namespace, name);
    const revision = Number(current.object.metadata.resourceVersion);
    const stored = storedBytes(object);
    if (isServedFormOf(current.bytes, stored)) return written(stored, revision);
    if (options.dryRun) return written(stored, revision);
    if (isReleased(this.resource, object)) {
      return written(stored, await this.#options.store.delete(key, revision, options));
    }
    return written(stored, await this.#options.store.update(key, stored, revision, this.#writeOptions(options)));
  }

  #writeOptions({ fence }: SaveOptions): WriteOptions {
    const { ttlSeconds } = this.resource;
    return ttlSeconds === undefined ? { fence } : { ttlSeconds, fence };
  }

  /**
   * Deletes an object, or marks it as deleted where finalizers or a grace period hold it.
   *
   * @returns the object, and whether it is gone
   */
  async delete(
    namespace: string,
    name: string,
    options: DeleteOptions,
    request: WriteRequest,
  ): Promise<Written & { readonly gone: boolean }> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#deleteOnce(namespace, name, options, request);
      } catch (error) {
        const raced = error instanceof FairleadError && error.code === "STORE_CONFLICT";
        if (!raced || attempt === conflictAttempts) throw error;
      }
    }
  }

  async #deleteOnce(namespace: string, name: string, options: DeleteOptions, request: WriteRequest) {
    const read = await this.get(namespace, name);
    const { object: current, bytes } = read;
    checkPreconditions(this.resource, current, name, options);
    const admission = this.#admission("DELETE", undefined, current, namespace, name, request);
    await this.#options.admission.validate(admission);
    const marked = deletionOf(this.resource, current, options, this.#options.now());
    if (marked === "gone") {
      const revision = Number(current.metadata.resourceVersion);
      const key = objectKey(this.resource, namespace, name);
      const remove = async (): Promise<unknown> =>
        request.dryRun ? undefined : this.#options.store.delete(key, revision, request);
      await this.#options.admission.reserving(admission, remove);
      return { object: current, bytes, gone: true };
    }
    if (marked === "marked already") return { object: current, bytes, gone: false };
    const saved = await this.#save(namespace, name, marked, read, request);
    return { ...saved, gone: false };
  }

  #check(object: ApiObject, old: ApiObject | undefined, subresource: string): void {
    const { strategy } = this.resource;
    const causes = this.#options.validate(object, old, subresource);
    const particular = old ? strategy.validateUpdate?.(object, old, subresource) : strategy.validateCreate?.(object);
    causes.push(...(particular ?? []));
    if (causes.length > 0) throw invalid(this.resource, object.metadata.name ?? "", causes);
  }

  #admission(
    operation: AdmissionRequest["operation"],
    object: ApiObject | undefined,
    old: ApiObject | undefined,
    namespace: string,
    name: string,
    { user, dryRun, warnings, subresource }: WriteRequest,
  ): AdmissionRequest {
    return { operation, resource: this.resource, subresource, namespace, name, object, old, user, dryRun, warnings };
  }

  /**
   * The objects of a prefix as they were at a revision, `limit` of those behind `after`.
   *
   * @param counted as in the store's range
   * @throws FairleadError STORE_COMPACTED
   */
  async history(prefix: string, revision: number, limit: number, after: string | undefined, counted: boolean) {
    const range = { prefix, revision, limit, counted, ...(after === undefined ? {} : { after }) };
    const { items, remaining } = await this.#options.store.range(range);
    const objects = items.map((item) => this.cache.cached(item.key, item.value, item.modRevision));
    return { objects, remaining };
  }

  /** Prefix of the resource's keys, in one namespace or in all (""). */
  prefix(namespace: string): string {
    return prefixOf(this.resource, namespace === "" ? undefined : namespace);
  }
}

const modified = "the object has been modified; please apply your changes to the latest version and try again";

function written(stored: Buffer, revision: number | undefined): Written {
  const bytes = revision === undefined ? stored : servedBytes(stored, revision);
  let object: ApiObject | undefined;
  return {
    bytes,
    // Most answers are the bytes alone.
    get object() {
      return (object ??= parseObject(bytes));
    },
  };
}

/** What the server alone decides. */
const serverMetadata = [
  "uid",
  "creationTimestamp",
  "generation",
  "namespace",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generateName",
] as const;

function keep(object: ApiObject, current: ApiObject, field: string): void {
  if (current[field] === undefined) delete object[field];
  else object[field] = current[field];
}

/** A status update changes status, and of metadata what its kind lets it; of the rest the current one stays. */
function keepAllButStatus(object: ApiObject, current: ApiObject, kept: Strategy["statusKeeps"] & object): void {
  for (const field of Object.keys(object)) if (field !== "status" && field !== "metadata") delete object[field];
  for (const field of Object.keys(current)) {
    if (field !== "status" && field !== "metadata") object[field] = current[field];
  }
  keepMetadata(object.metadata, current.metadata, kept);
}

/** @throws ApiError 409 */
export function checkPreconditions(resource: Resource, current: ApiObject, name: string, options: DeleteOptions): void {
  // Upstream names the kind here, where all other conflicts name the resource.
  const kind = { group: resource.group, plural: resource.kind, kind: resource.kind };
  const { uid, resourceVersion } = options.preconditions ?? {};
  if (uid !== undefined && uid !== current.metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${current.metadata.uid}). The object might have been deleted and then recreated`;
    throw conflict(kind, name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current.metadata.resourceVersion}). The object might have been modified`;
    throw conflict(kind, name, why);
  }
}

/** Five characters without vowels or look-alikes, as upstream's rand.String. */
const suffixCharacters = "bcdfghjklmnpqrstvwxz2456789";
const suffixLength = 5;
/** A name has at most 63 characters with its suffix, so that it is a label too. */
const maxGeneratedBase = 63 - suffixLength;

function generatedName(object: ApiObject): string {
  const base = (object.metadata.generateName ?? "").slice(0, maxGeneratedBase);
  let suffix = "";
  for (let i = 0; i < suffixLength; i++) {
    suffix += suffixCharacters[Math.floor(Math.random() * suffixCharacters.length)]!;
  }
  return base + suffix;
}
