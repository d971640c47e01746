/** Decides about one object at a time (upstream: pkg/controller/garbagecollector/garbagecollector.go). */
import type { OwnerReference } from "../../../model/kubernetes.ts";
import type { Outcome } from "../../../reconcile/work_queue.ts";
import type { AbsentOwners } from "./absent_owners.ts";
import { foregroundFinalizer, orphanFinalizer, type DependencyGraph, type GraphNode } from "./graph.ts";
import { ownerIdentity, type Identity } from "./identity.ts";
import type { LiveObjects } from "./objects.ts";
import { planItem, type OwnerState } from "./plan.ts";

/** Dependents that are set free at one time. */
const parallelOrphans = 16;
/** How often a virtual node is looked at again: the first wait in ms, which doubles, and the longest. */
const firstLookMs = 10;
const longestLookMs = 1_000_000;

export interface CollectorOptions {
  readonly graph: DependencyGraph;
  readonly objects: LiveObjects;
  readonly absent: AbsentOwners;
  /** Asks for another object to be decided about. */
  readonly doubt: (uid: string) => void;
}

export class Collector {
  readonly #options: CollectorOptions;
  /** How often what was not seen yet has been looked for. */
  readonly #looks = new WeakMap<GraphNode, number>();

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Deletes an object without owners that are there, or finds that it is none. */
  async attempt(uid: string): Promise<Outcome> {
    const { graph, objects } = this.#options;
    const node = graph.get(uid);
    if (!node || (node.isBeingDeleted && !node.isDeletingDependents)) return undefined;
    // Nobody owns it: it was looked at because somebody named it before it was seen.
    if (!node.isVirtual && !node.isDeletingDependents && node.owners.length === 0) return undefined;
    const { identity } = node;
    // Something cluster-wide has named an owner of a kind that is in namespaces: it is nowhere to be looked for.
    if (identity.namespace === "" && objects.typeOf(identity).namespaced) return undefined;
    const latest = await objects.read(identity);
    if (!latest) {
      graph.removeUnknown(identity);
      return undefined;
    }
    if (node.isDeletingDependents) await this.#finishForeground(node);
    else await this.#decide(node, latest.metadata);
    return node.isVirtual && graph.get(uid) === node ? this.#lookAgain(node) : undefined;
  }

  /** Takes an owner's references from its dependents, then lets it go. */
  async orphan(uid: string): Promise<Outcome> {
    const { graph, objects } = this.#options;
    const node = graph.get(uid);
    if (!node) return undefined;
    const dependents = [...node.dependents].map(({ identity }) => identity);
    for (let i = 0; i < dependents.length; i += parallelOrphans) {
      const some = dependents.slice(i, i + parallelOrphans);
      await Promise.all(some.map((dependent) => objects.disown(dependent, uid)));
    }
    await objects.removeFinalizer(node.identity, orphanFinalizer);
    return undefined;
  }

  async #decide(node: GraphNode, metadata: Parameters<LiveObjects["apply"]>[1]): Promise<void> {
    const { identity } = node;
    const owners = [];
    for (const reference of metadata.ownerReferences ?? []) {
      const state = await this.#stateOf(reference, identity);
      // A reference that can never be right decides nothing: the object stays as it is.
      if (state === undefined) return;
      owners.push({ reference, state });
    }
    const dependents = [...node.dependents];
    const steps = planItem({
      metadata,
      owners,
      hasDependents: dependents.length > 0,
      hasWaitingDependent: dependents.some(({ isDeletingDependents }) => isDeletingDependents),
    });
    let current = metadata;
    for (const step of steps) {
      await this.#options.objects.apply(identity, current, step);
      if (step === steps.at(-1)) return;
      const changed = await this.#options.objects.read(identity);
      if (!changed) return;
      current = changed.metadata;
    }
  }

  /** @returns undefined for a namespaced owner of something cluster-wide */
  async #stateOf(reference: OwnerReference, item: Identity): Promise<OwnerState | undefined> {
    const { absent, objects } = this.#options;
    const clusterWide = ownerIdentity(reference, "");
    const here = ownerIdentity(reference, item.namespace);
    if (absent.has(clusterWide) || absent.has(here)) return "dangling";
    const { namespaced } = objects.typeOf(reference);
    if (namespaced && item.namespace === "") return undefined;
    const identity = namespaced ? here : clusterWide;
    const owner = await objects.read(identity);
    if (!owner) {
      absent.add(identity);
      return "dangling";
    }
    const { deletionTimestamp, finalizers } = owner.metadata;
    return deletionTimestamp !== undefined && finalizers?.includes(foregroundFinalizer) ? "waiting" : "solid";
  }

  async #finishForeground(node: GraphNode): Promise<void> {
    const blocking = node.blockingDependents();
    if (blocking.length === 0) {
      return this.#options.objects.removeFinalizer(node.identity, foregroundFinalizer);
    }
    for (const dependent of blocking) {
      if (!dependent.isDeletingDependents) this.#options.doubt(dependent.identity.uid);
    }
  }

  /** It is there, and no event has told of it yet: one that came and went meanwhile would stay for ever. */
  #lookAgain(node: GraphNode): Outcome {
    const looks = this.#looks.get(node) ?? 0;
    this.#looks.set(node, looks + 1);
    return { againAfterMs: Math.min(longestLookMs, firstLookMs * 2 ** looks) };
  }
}
