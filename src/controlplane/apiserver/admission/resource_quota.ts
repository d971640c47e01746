/**
 * ResourceQuota: what a namespace holds stays within its bounds. The count stands in the quota's
 * status and is moved by compare-and-swap before a write, and back where the write did not happen.
 */
import type { Lookup } from "../auth/lookup.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { Change } from "../storage/registry.ts";
import type { AdmissionPlugin, AdmissionRequest, Reservation } from "./admission.ts";
import type { Amounts } from "./limits.ts";
import { bounded, moved, uncounted } from "./quota/ledger.ts";
import { matchesScopes, type QuotaSpec } from "./quota/scopes.ts";
import { countedKind, missingSpecifications, usageOf } from "./quota/usage.ts";
import { createsPod, refused } from "./refusal.ts";

export interface ResourceQuotaOptions {
  readonly lookup: Lookup;
  /** The objects of a kind in a namespace, custom resources too. */
  readonly objects: (group: string, plural: string, namespace: string) => readonly ApiObject[];
  /** Changes a quota's status, again on top of another's change where one came between. */
  readonly updateStatus: (namespace: string, name: string, change: Change) => Promise<unknown>;
}

interface Move {
  readonly quota: string;
  readonly by: Amounts;
}

export class ResourceQuota implements AdmissionPlugin {
  readonly name = "ResourceQuota";
  readonly #options: ResourceQuotaOptions;
  /** One after another in a namespace: together they would only get in each other's way at the store. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: ResourceQuotaOptions) {
    this.#options = options;
  }

  validate(request: AdmissionRequest): void {
    if (!createsPod(request)) return;
    for (const quota of this.#quotasFor(request, request.object!)) {
      const hard = Object.keys((quota["spec"] as QuotaSpec | undefined)?.hard ?? {});
      const missing = missingSpecifications(request.object!, hard);
      if (missing.length === 0) continue;
      throw refused(request, `failed quota: ${quota.metadata.name!}: must specify ${missing.join("; ")}`);
    }
  }

  async reserve(request: AdmissionRequest): Promise<Reservation | undefined> {
    const { namespace, resource, subresource } = request;
    // Parts that others write do not change what an object counts for, but for a pod's end.
    const counts = subresource === "" || (resource.plural === "pods" && ["status", "resize"].includes(subresource));
    if (!resource.namespaced || !counts) return undefined;
    const { growth, shrinkage } = this.#moves(request);
    if (growth.length === 0 && shrinkage.length === 0) return undefined;
    const done: Move[] = [];
    try {
      for (const move of growth) {
        await this.#move(request, move);
        done.push(move);
      }
    } catch (error) {
      await this.#moveBack(request, done);
      throw error;
    }
    return {
      keep: async () => {
        for (const move of shrinkage) await this.#turn(namespace, () => this.#write(request, move));
      },
      release: () => this.#moveBack(request, done),
    };
  }

  /** How each quota's count changes: up before the write, down behind it. */
  #moves(request: AdmissionRequest): { growth: Move[]; shrinkage: Move[] } {
    const { resource, object, old } = request;
    const growth: Move[] = [];
    const shrinkage: Move[] = [];
    for (const quota of this.#options.lookup.list("resourcequotas", request.namespace)) {
      const after = bounded(quota, this.#usage(quota, resource, object));
      const before = bounded(quota, this.#usage(quota, resource, old));
      const up: Amounts = new Map();
      const down: Amounts = new Map();
      for (const name of new Set([...after.keys(), ...before.keys()])) {
        const change = (after.get(name) ?? 0n) - (before.get(name) ?? 0n);
        if (change > 0n) up.set(name, change);
        if (change < 0n) down.set(name, change);
      }
      if (up.size > 0) growth.push({ quota: quota.metadata.name!, by: up });
      if (down.size > 0) shrinkage.push({ quota: quota.metadata.name!, by: down });
    }
    return { growth, shrinkage };
  }

  #usage(quota: ApiObject, resource: AdmissionRequest["resource"], object: ApiObject | undefined): Amounts {
    if (!object || !matchesScopes(quota["spec"] as QuotaSpec | undefined, resource.plural, object)) return new Map();
    return usageOf(resource, object);
  }

  #quotasFor({ namespace, resource }: AdmissionRequest, object: ApiObject): ApiObject[] {
    const quotas = this.#options.lookup.list("resourcequotas", namespace);
    return quotas.filter((quota) => matchesScopes(quota["spec"] as QuotaSpec | undefined, resource.plural, object));
  }

  /** A dry run only asks whether there would be room. */
  async #move(request: AdmissionRequest, move: Move): Promise<void> {
    if (!request.dryRun) return this.#turn(request.namespace, () => this.#write(request, move));
    const quota = this.#options.lookup.get("resourcequotas", request.namespace, move.quota);
    if (quota) this.#moved(request, quota, move.by);
  }

  async #moveBack(request: AdmissionRequest, moves: readonly Move[]): Promise<void> {
    if (request.dryRun) return;
    for (const { quota, by } of moves) {
      const back = new Map([...by].map(([name, amount]) => [name, -amount]));
      await this.#turn(request.namespace, () => this.#write(request, { quota, by: back }));
    }
  }

  async #write(request: AdmissionRequest, { quota, by }: Move): Promise<void> {
    if (request.dryRun) return;
    const isThere = this.#options.lookup.get("resourcequotas", request.namespace, quota) !== undefined;
    if (!isThere) return;
    await this.#options.updateStatus(request.namespace, quota, (current) => this.#moved(request, current, by));
  }

  /** @throws ApiError 403 where there is no room */
  #moved(request: AdmissionRequest, quota: ApiObject, by: Amounts): ApiObject {
    const result = moved(quota, this.#count(request.namespace, quota), by);
    if ("message" in result) throw refused(request, result.message as string);
    return result;
  }

  /** What there is of the resources that nobody has counted yet. */
  #count(namespace: string, quota: ApiObject): Amounts {
    const names = uncounted(quota);
    const sum: Amounts = new Map();
    const kinds = new Map(names.map(countedKind).map((kind) => [`${kind.group}/${kind.plural}`, kind]));
    for (const kind of kinds.values()) {
      for (const object of this.#options.objects(kind.group, kind.plural, namespace)) {
        if (!matchesScopes(quota["spec"] as QuotaSpec | undefined, kind.plural, object)) continue;
        for (const [name, amount] of usageOf(kind, object)) {
          if (names.includes(name)) sum.set(name, (sum.get(name) ?? 0n) + amount);
        }
      }
    }
    return sum;
  }

  async #turn(namespace: string, act: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(namespace) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(act);
    this.#turns.set(namespace, turn);
    try {
      await turn;
    } finally {
      if (this.#turns.get(namespace) === turn) this.#turns.delete(namespace);
    }
  }
}
