/**
 * Definitions made true while the server runs: their names accepted, their endpoints added and
 * removed, their objects deleted before they go (apiextensions-apiserver's controllers and handler).
 */
import type { Store } from "../../store/store.ts";
import type { AdmissionChain } from "../admission/admission.ts";
import type { CustomDocuments } from "../openapi/serve.ts";
import type { Resource } from "../resources/resource.ts";
import type { Routes } from "../routes.ts";
import { ApiError, type Cause } from "../status.ts";
import type { ApiObject } from "../resources/resource.ts";
import { parseObject } from "../storage/object_bytes.ts";
import type { Registry, WriteRequest } from "../storage/registry.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { cleanupFinalizer, isTrue, type Condition, type Definition } from "./definition/definition.ts";
import { isDefinition } from "./definition/strategy.ts";
import { Documents } from "./documents.ts";
import { establishedCondition, namingOf, withCondition } from "./naming.ts";
import { ServedDefinition } from "./served_definition.ts";

export interface CustomResourcesOptions {
  readonly routes: Routes;
  readonly store: Store;
  readonly admission: AdmissionChain;
  /** Of the definitions themselves. */
  readonly registry: Registry;
  /** Checks metadata, as of any object. */
  readonly validate: (resource: Resource) => (object: ApiObject, old: ApiObject | undefined) => Cause[];
  /** Wall clock in ms. */
  readonly now: () => number;
  readonly onError: (error: unknown, where: string) => void;
}

const request: WriteRequest = {
  user: { name: "system:apiserver", groups: ["system:masters"] },
  dryRun: false,
  warnings: [],
  subresource: "",
};
/** Before what failed is tried again, in ms. */
const retryDelayMs = 1000;

export class CustomResources {
  readonly #options: CustomResourcesOptions;
  readonly #served = new Map<string, ServedDefinition>();
  readonly #dirty = new Set<string>();
  readonly #documents = new Documents();
  readonly #parsed = new Map<string, { readonly revision: number; readonly definition: ApiObject }>();
  /** "plural.group" of everything that is the server's own. */
  readonly #builtIn: ReadonlySet<string>;
  #working: Promise<void> | undefined;
  #stopObserving: (() => void) | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(options: CustomResourcesOptions) {
    this.#options = options;
    this.#builtIn = new Set(
      [...options.routes.endpoints()].map(({ resource }) => `${resource.plural}.${resource.group}`),
    );
  }

  /** Serves every definition that there is, and follows them from then on. */
  static async start(options: CustomResourcesOptions): Promise<CustomResources> {
    const custom = new CustomResources(options);
    custom.#observe();
    custom.#markAll();
    await custom.settled();
    return custom;
  }

  /** OpenAPI documents of what is served. */
  get documents(): CustomDocuments {
    return this.#documents;
  }

  /** Resolves when everything that is known by now has been worked off. */
  async settled(): Promise<void> {
    while (this.#working) await this.#working;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#stopObserving?.();
    await this.settled();
    for (const served of this.#served.values()) served.close();
  }

  #observe(): void {
    this.#stopObserving = this.#options.registry.cache.observe({
      onEvent: ({ object }) => this.#mark(object.fields["metadata.name"]!),
      // The cache is filled anew: whatever came in between is found then.
      onEnd: () => {
        if (!this.#closed) this.#observe();
      },
      onRefill: () => this.#markAll(),
    });
  }

  #markAll(): void {
    for (const name of this.#served.keys()) this.#mark(name);
    for (const { metadata } of this.#definitions()) this.#mark(metadata.name!);
  }

  #mark(name: string): void {
    if (this.#closed) return;
    this.#dirty.add(name);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    // A turn later: everything of one batch of events is in by then.
    await Promise.resolve();
    for (const name of this.#dirty) {
      this.#dirty.delete(name);
      try {
        await this.#sync(name);
      } catch (error) {
        if (this.#closed) continue;
        this.#options.onError(error, `custom resource definition ${name}`);
        this.#retry = setTimeout(() => this.#mark(name), retryDelayMs);
      }
    }
    this.#working = undefined;
  }

  async #sync(name: string): Promise<void> {
    const definition = this.#definitions().find(({ metadata }) => metadata.name === name);
    if (!definition) return this.#gone(name);
    if (definition.metadata.deletionTimestamp !== undefined) return this.#clean(definition);
    const { group } = definition.spec;
    const others = this.#definitions().filter((one) => one.spec.group === group && one !== definition);
    const naming = namingOf(
      definition,
      others.filter((one) => one.metadata.name !== name),
      this.#reserved(group),
    );
    const established = establishedCondition(definition, naming);
    const changed = this.#withStatus(definition, [naming.condition, established], naming.acceptedNames);
    // Served before it says that it is: whoever waits for the condition finds the endpoints.
    if (established.status === "True") await this.#serve(changed);
    else this.#unserve(name);
    await this.#writeStatus(definition, changed);
  }

  async #serve(definition: Definition): Promise<ServedDefinition> {
    const name = definition.metadata.name!;
    const served = this.#served.get(name) ?? new ServedDefinition(this.#options);
    this.#served.set(name, served);
    await served.update(definition);
    this.#documents.set(name, definition);
    return served;
  }

  #unserve(name: string): void {
    this.#served.get(name)?.close();
    this.#served.delete(name);
    this.#documents.delete(name);
  }

  /** Names that it held are free for others. */
  #gone(name: string): void {
    this.#unserve(name);
    const group = name.slice(name.indexOf(".") + 1);
    for (const other of this.#definitions()) {
      if (other.spec.group === group && !isTrue(other, "NamesAccepted")) this.#mark(other.metadata.name!);
    }
  }

  /** Deletes the objects of a definition that is going, then lets it go. */
  async #clean(definition: Definition): Promise<void> {
    const name = definition.metadata.name!;
    if (!(definition.metadata.finalizers ?? []).includes(cleanupFinalizer)) return;
    const isServed = isTrue(definition, "Established");
    const changed = this.#withStatus(definition, [
      {
        type: "Terminating",
        status: "True",
        reason: "InstanceDeletionInProgress",
        message: "CustomResource deletion is in progress",
      },
    ]);
    const served = isServed ? await this.#serve(changed) : undefined;
    await this.#writeStatus(definition, changed);
    // What finalizers hold comes back here when it is gone.
    if (served && !(await served.deleteAll(request, () => this.#mark(name)))) return;
    await this.#release(name);
  }

  async #release(name: string): Promise<void> {
    const change = (current: ApiObject): ApiObject => {
      const finalizers = (current.metadata.finalizers ?? []).filter((one) => one !== cleanupFinalizer);
      return { ...current, metadata: { ...current.metadata, finalizers } };
    };
    await this.#options.registry.update("", name, change, request).catch(ignoreNotFound);
  }

  #withStatus(
    definition: Definition,
    conditions: readonly Omit<Condition, "lastTransitionTime">[],
    acceptedNames = definition.status?.acceptedNames,
  ): Definition {
    const now = timestamp(this.#options.now());
    const before = definition.status?.conditions ?? [];
    const after = conditions.reduce((all, one) => withCondition(all, one, now), [...before]);
    const status = { ...definition.status, ...(acceptedNames ? { acceptedNames } : {}), conditions: after };
    return { ...definition, status };
  }

  async #writeStatus(definition: Definition, changed: Definition): Promise<void> {
    if (JSON.stringify(definition.status) === JSON.stringify(changed.status)) return;
    const { acceptedNames, conditions } = changed.status!;
    const change = (current: ApiObject): ApiObject => {
      const status = { ...(current as Definition).status, acceptedNames, conditions };
      return { ...current, status };
    };
    const name = definition.metadata.name!;
    await this.#options.registry.update("", name, change, { ...request, subresource: "status" }).catch(ignoreNotFound);
  }

  /** Large ones are parsed once a change: every definition is looked at whenever one of them changes. */
  #definitions(): Definition[] {
    const { registry } = this.#options;
    const objects = registry.cache.items.withPrefix(registry.prefix(""));
    const parsed = objects.map((object) => {
      const known = this.#parsed.get(object.key);
      if (known?.revision === object.revision) return known;
      const made = { revision: object.revision, definition: parseObject(object.bytes) };
      this.#parsed.set(object.key, made);
      return made;
    });
    if (this.#parsed.size > objects.length) {
      const keys = new Set(objects.map(({ key }) => key));
      for (const key of this.#parsed.keys()) if (!keys.has(key)) this.#parsed.delete(key);
    }
    return parsed.map(({ definition }) => definition).filter(isDefinition);
  }

  #reserved(group: string): ReadonlySet<string> {
    const suffix = `.${group}`;
    const own = [...this.#builtIn].filter(
      (name) => name.endsWith(suffix) && !name.slice(0, -suffix.length).includes("."),
    );
    return new Set(own.map((name) => name.slice(0, -suffix.length)));
  }
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
}
