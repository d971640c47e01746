/** One definition's endpoints and its objects in memory. */
import type { AdmissionChain } from "../admission/admission.ts";
import type { Store } from "../../store/store.ts";
import type { ApiObject, Resource } from "../resources/resource.ts";
import type { Routes } from "../routes.ts";
import { ApiError, type Cause } from "../status.ts";
import { ResourceCache } from "../storage/cache.ts";
import { fieldsOf } from "../storage/fields.ts";
import { prefixOf } from "../storage/keys.ts";
import { parseObject } from "../storage/object_bytes.ts";
import { Registry, type WriteRequest } from "../storage/registry.ts";
import type { Endpoint } from "../verbs/endpoint.ts";
import { storageVersion, type Definition } from "./definition/definition.ts";
import { customVersions, schemaOf, selectableFields, storedAs, type CustomVersion } from "./resource.ts";
import { StoreView } from "./store_view.ts";

export interface ServedOptions {
  readonly routes: Routes;
  readonly store: Store;
  readonly admission: AdmissionChain;
  readonly validate: (resource: Resource) => (object: ApiObject, old: ApiObject | undefined) => Cause[];
  readonly now: () => number;
}

/** Objects deleted at one time when their definition goes. */
const deletesAtOnce = 64;

interface Kept {
  readonly cache: ResourceCache;
  readonly view: StoreView;
  /** What the cache depends on: with another it starts anew, and its watches end. */
  readonly form: string;
}

export class ServedDefinition {
  readonly #options: ServedOptions;
  #kept: Kept | undefined;
  #endpoints: Endpoint[] = [];
  #form = "";
  #stopWaiting: (() => void) | undefined;

  constructor(options: ServedOptions) {
    this.#options = options;
  }

  /** Serves the definition as it is now; does nothing where nothing that is served has changed. */
  async update(definition: Definition): Promise<void> {
    const { spec, status, metadata } = definition;
    const form = JSON.stringify([spec, status?.acceptedNames, metadata.deletionTimestamp !== undefined]);
    if (form === this.#form) return;
    const versions = customVersions(definition);
    const before = this.#kept;
    const kept = await this.#keep(definition, versions);
    const endpoints: Endpoint[] = [];
    for (const { resource, ...row } of versions) {
      const { store, ...rest } = this.#options;
      const options = { ...rest, store: kept.view, resource, validate: this.#options.validate(resource) };
      endpoints.push({ ...row, resource, registry: await Registry.start(options, kept.cache) });
    }
    this.#replace(endpoints);
    this.#kept = kept;
    this.#form = form;
    if (before && before !== kept) before.cache.close();
  }

  /** Ends every watch; its paths lead nowhere from now on. */
  close(): void {
    this.#stopWaiting?.();
    this.#replace([]);
    this.#kept?.cache.close();
    this.#kept = undefined;
    this.#form = "";
  }

  /**
   * Deletes every object.
   *
   * @param onEmpty called when the last one is gone, where finalizers hold some
   * @returns whether all are gone
   */
  async deleteAll(request: WriteRequest, onEmpty: () => void): Promise<boolean> {
    const { cache } = this.#kept!;
    const registry = this.#endpoints[0]?.registry;
    await cache.current();
    const objects = cache.items.withPrefix("").map(({ bytes }) => parseObject(bytes).metadata);
    const waiting = objects.filter(({ deletionTimestamp }) => deletionTimestamp === undefined);
    for (let at = 0; registry && at < waiting.length; at += deletesAtOnce) {
      const some = waiting.slice(at, at + deletesAtOnce);
      await Promise.all(
        some.map(({ namespace = "", name = "" }) =>
          registry.delete(namespace, name, {}, request).catch((error: unknown) => {
            if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
          }),
        ),
      );
    }
    await cache.current();
    if (cache.items.size === 0) return true;
    this.#await(cache, onEmpty);
    return false;
  }

  #await(cache: ResourceCache, onEmpty: () => void): void {
    this.#stopWaiting?.();
    this.#stopWaiting = cache.observe({
      onEvent: () => {
        if (cache.items.size === 0) onEmpty();
      },
      onEnd: onEmpty,
    });
  }

  async #keep(definition: Definition, versions: readonly CustomVersion[]): Promise<Kept> {
    const stored = storageVersion(definition);
    const selectable = [...new Set(definition.spec.versions.flatMap(selectableFields))];
    const form = JSON.stringify([stored.name, stored.schema, selectable, definition.spec.scope]);
    if (this.#kept?.form === form) return this.#kept;
    const view = new StoreView(this.#options.store, `${definition.spec.group}/${stored.name}`, schemaOf(stored));
    const resource = {
      ...versions[0]?.resource,
      storedAs: storedAs(definition),
      selectableFields: selectable,
    } as Resource;
    return { view, form, cache: await ResourceCache.start(view, prefixOf(resource), fieldsOf(resource)) };
  }

  /** Adds the new endpoints before the old ones go: what is served before and after is served in between. */
  #replace(endpoints: Endpoint[]): void {
    const { routes } = this.#options;
    for (const endpoint of endpoints) routes.add(endpoint);
    const keyOf = ({ resource, version }: Endpoint): string => `${resource.plural}/${version.version}`;
    const kept = new Set(endpoints.map(keyOf));
    for (const old of this.#endpoints) {
      if (!kept.has(keyOf(old))) routes.remove(old.resource.group, old.version.version, old.resource.plural);
    }
    this.#endpoints = endpoints;
  }
}
