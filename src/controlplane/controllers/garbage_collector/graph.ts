/**
 * Who owns whom, as events tell it (upstream: pkg/controller/garbagecollector/graph_builder.go). An owner that
 * was named and not seen yet is a virtual node: somebody has to look whether it is there.
 */
import type { OwnerReference } from "../../../model/kubernetes.ts";
import { changesOf } from "./changes.ts";
import {
  identityText,
  isSameIdentity,
  matchesCoordinates,
  ownerIdentity,
  type Identity,
  type OwnedMetadata,
} from "./identity.ts";

export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";

export class GraphNode {
  identity: Identity;
  owners: readonly OwnerReference[] = [];
  readonly dependents = new Set<GraphNode>();
  isVirtual: boolean;
  isBeingDeleted = false;
  /** Being deleted, and what is to happen to its dependents first. */
  waitsFor: typeof orphanFinalizer | typeof foregroundFinalizer | undefined;

  constructor(identity: Identity, isVirtual: boolean) {
    this.identity = identity;
    this.isVirtual = isVirtual;
  }

  get isDeletingDependents(): boolean {
    return this.waitsFor === foregroundFinalizer;
  }

  /** Dependents that the owner's end waits for. */
  blockingDependents(): GraphNode[] {
    const { uid } = this.identity;
    const blocks = (owner: OwnerReference): boolean => owner.uid === uid && owner.blockOwnerDeletion === true;
    return [...this.dependents].filter(({ owners }) => owners.some(blocks));
  }
}

/** What the graph finds out. */
export interface GraphObserver {
  /** May be garbage, or may have been waited for. */
  onDoubt(uid: string): void;
  /** Its dependents are to be set free. */
  onOrphan(uid: string): void;
  onAbsent(owner: Identity): void;
  /** @param owner as the dependent names it, in its own namespace, where it is not */
  onInvalidNamespace(dependent: Identity, owner: Identity): void;
}

export class DependencyGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #observer: GraphObserver;

  constructor(observer: GraphObserver) {
    this.#observer = observer;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  /** An object is there, or has changed. */
  observe(identity: Identity, metadata: OwnedMetadata): void {
    const found = this.#nodes.get(identity.uid);
    const node = found ?? new GraphNode(identity, false);
    if (!found) this.#nodes.set(identity.uid, node);
    if (node.isVirtual) this.#materialize(node, identity);
    else if (found) node.identity = identity;
    this.#own(node, metadata.ownerReferences ?? []);
    node.isBeingDeleted = metadata.deletionTimestamp !== undefined;
    this.#await(node, metadata);
  }

  /** An object is gone. */
  remove(identity: Identity): void {
    const node = this.#nodes.get(identity.uid);
    if (node) this.#remove(node, identity);
  }

  /** Its resource is not followed any more: whether it is there has to be looked for. */
  forget(identity: Identity): void {
    const node = this.#nodes.get(identity.uid);
    if (!node) return;
    if (node.dependents.size === 0) return this.#remove(node, identity);
    node.isVirtual = true;
    this.#observer.onDoubt(identity.uid);
  }

  /** The server knows nobody by this identity: an owner that somebody names, or an object whose end was not seen. */
  removeUnknown(identity: Identity): void {
    const node = this.#nodes.get(identity.uid);
    if (!node) return;
    if (!node.isVirtual && isSameIdentity(node.identity, identity)) return this.#remove(node, identity);
    const { matching, others } = partition(node.dependents, identity);
    if (node.isVirtual && others.length === 0) return this.#remove(node, identity);
    // Dependents do not agree on who it is: those that name this one have lost it, the others are yet to be asked for.
    if (matching.length > 0) {
      this.#observer.onAbsent(identity);
      for (const { identity: dependent } of matching) this.#observer.onDoubt(dependent.uid);
    }
    if (!node.isVirtual || !isSameIdentity(node.identity, identity)) return;
    const next = alternative(others, identity);
    if (!next) return;
    node.identity = next;
    this.#observer.onDoubt(next.uid);
  }

  #remove(node: GraphNode, identity: Identity): void {
    this.#nodes.delete(node.identity.uid);
    for (const { uid } of node.owners) this.#nodes.get(uid)?.dependents.delete(node);
    if (node.dependents.size > 0) this.#observer.onAbsent(identity);
    for (const { identity: dependent } of node.dependents) this.#observer.onDoubt(dependent.uid);
    // An owner may have waited for this one alone.
    for (const { uid } of node.owners) if (this.#nodes.get(uid)?.isDeletingDependents) this.#observer.onDoubt(uid);
  }

  /** What was named is seen: whoever named it otherwise may have named nobody. */
  #materialize(node: GraphNode, identity: Identity): void {
    node.isVirtual = false;
    if (isSameIdentity(node.identity, identity)) return;
    for (const dependent of partition(node.dependents, identity).others) {
      if (identity.namespace !== "" && dependent.identity.namespace !== identity.namespace) {
        this.#reportNamespace(dependent, identity.uid);
      }
      this.#observer.onDoubt(dependent.identity.uid);
    }
    node.identity = identity;
  }

  #own(node: GraphNode, owners: readonly OwnerReference[]): void {
    const { added, removed, unblocked } = changesOf(node.owners, owners);
    node.owners = owners;
    for (const uid of unblocked) if (this.#nodes.has(uid)) this.#observer.onDoubt(uid);
    this.#addTo(node, added);
    for (const { uid } of removed) this.#nodes.get(uid)?.dependents.delete(node);
  }

  #addTo(node: GraphNode, owners: readonly OwnerReference[]): void {
    let isDoubtful = false;
    for (const reference of owners) {
      const known = this.#nodes.get(reference.uid);
      const owner = known ?? new GraphNode(ownerIdentity(reference, node.identity.namespace), true);
      owner.dependents.add(node);
      if (known) isDoubtful = this.#contradicts(node, reference, known) || isDoubtful;
      else {
        this.#nodes.set(reference.uid, owner);
        this.#observer.onDoubt(reference.uid);
      }
    }
    if (isDoubtful) this.#observer.onDoubt(node.identity.uid);
  }

  /** Whether the reference may name somebody that is not there. */
  #contradicts(node: GraphNode, reference: OwnerReference, owner: GraphNode): boolean {
    const { namespace } = owner.identity;
    const isElsewhere = namespace !== node.identity.namespace;
    if (namespace !== "" && isElsewhere) {
      if (!owner.isVirtual) this.#reportNamespace(node, reference.uid);
      return true;
    }
    if (!matchesCoordinates(reference, owner.identity)) return true;
    return isElsewhere && owner.isVirtual;
  }

  #reportNamespace({ owners, identity }: GraphNode, uid: string): void {
    const reference = owners.find((owner) => owner.uid === uid);
    if (reference) this.#observer.onInvalidNamespace(identity, ownerIdentity(reference, identity.namespace));
  }

  /** An object that begins to wait for its dependents. */
  #await(node: GraphNode, { deletionTimestamp, finalizers = [] }: OwnedMetadata): void {
    const before = node.waitsFor;
    const held = [orphanFinalizer, foregroundFinalizer] as const;
    node.waitsFor = deletionTimestamp === undefined ? undefined : held.find((name) => finalizers.includes(name));
    if (node.waitsFor === before) return;
    if (node.waitsFor === orphanFinalizer) this.#observer.onOrphan(node.identity.uid);
    if (node.waitsFor !== foregroundFinalizer) return;
    for (const { identity } of node.dependents) this.#observer.onDoubt(identity.uid);
    this.#observer.onDoubt(node.identity.uid);
  }
}

/** Dependents that mean this identity, and those that mean another by the same uid. */
function partition(
  dependents: Iterable<GraphNode>,
  identity: Identity,
): { matching: GraphNode[]; others: GraphNode[] } {
  const matching: GraphNode[] = [];
  const others: GraphNode[] = [];
  for (const dependent of dependents) {
    const isElsewhere = identity.namespace !== "" && dependent.identity.namespace !== identity.namespace;
    const references = dependent.owners.filter(({ uid }) => uid === identity.uid);
    if (!isElsewhere && references.some((one) => matchesCoordinates(one, identity))) matching.push(dependent);
    if (isElsewhere || references.some((one) => !matchesCoordinates(one, identity))) others.push(dependent);
  }
  return { matching, others };
}

/** Who else dependents may mean: the next in order behind the one that is not there, else the first. */
function alternative(dependents: readonly GraphNode[], absent: Identity): Identity | undefined {
  const meant = dependents.flatMap(({ owners, identity }) =>
    owners.filter(({ uid }) => uid === absent.uid).map((owner) => ownerIdentity(owner, identity.namespace)),
  );
  const others = meant
    .filter((one) => !isSameIdentity(one, absent))
    .sort((a, b) => (identityText(a) < identityText(b) ? -1 : 1));
  return others.find((one) => identityText(one) > identityText(absent)) ?? others[0];
}
