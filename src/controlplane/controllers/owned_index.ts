/** What an owner controls and what nobody does, without a look at all objects of the resource. */
import { keyOf, keyText } from "../../api/client.ts";
import type { Informer } from "../../api/informer.ts";
import type { Index } from "../../api/object_store.ts";
import { apiVersionOf, type ResourceType } from "../../api/resource_types.ts";
import type { KubeObject } from "../../model/kubernetes.ts";
import type { LabelMatcher, Labels } from "../../model/label_selector.ts";
import { controllerOf } from "./ownership.ts";

export interface OwnedIndex<T> {
  /** What the owner of this uid controls. */
  owned(uid: string): readonly T[];
  /** What has no controller. */
  orphans(namespace: string): readonly T[];
}

const indexes = new WeakMap<object, OwnedIndex<KubeObject>>();

/** The informer's index; all controllers share one. */
export function ownedIndex<T extends KubeObject>(informer: Informer<T>): OwnedIndex<T> {
  const known = indexes.get(informer) as OwnedIndex<T> | undefined;
  if (known) return known;
  const index: Index<T> = informer.objects.addIndex((object) => {
    const controller = controllerOf(object);
    // A namespace's name has no slash before it, a uid neither: they cannot be taken for one another.
    return [controller ? controller.uid : `/${object.metadata.namespace ?? ""}`];
  });
  const made: OwnedIndex<T> = {
    owned: (uid) => index.get(uid),
    orphans: (namespace) => index.get(`/${namespace}`),
  };
  indexes.set(informer, made);
  return made;
}

/** What an owner may claim: its own, and what is nobody's in its namespace. */
export function candidates<T extends KubeObject>(informer: Informer<T>, { metadata }: KubeObject): readonly T[] {
  const index = ownedIndex(informer);
  return [...index.owned(metadata.uid), ...index.orphans(metadata.namespace ?? "")];
}

export interface FollowOwnedOptions<Owner extends KubeObject, T extends KubeObject> {
  readonly owners: Informer<Owner>;
  readonly owned: Informer<T>;
  readonly selects: (owner: Owner) => LabelMatcher;
  readonly enqueue: (ownerKey: string) => void;
}

/**
 * Tells which owners a change of what they own concerns: the controller, the former controller, and for
 * what is nobody's all that select it.
 */
export function followOwned<Owner extends KubeObject, T extends KubeObject>(
  options: FollowOwnedOptions<Owner, T>,
): void {
  const { owned, enqueue } = options;
  const tell = (owners: readonly Owner[]): void => {
    for (const owner of owners) enqueue(keyText(keyOf(owner)));
  };
  owned.subscribe({
    onAdd: (object) => tell(concerned(object, options)),
    onUpdate: (previous, object) => {
      const was = controllerOf(previous);
      const is = controllerOf(object);
      if (was && was.uid !== is?.uid) tell(controllerIn(previous, options));
      if (is) tell(controllerIn(object, options));
      else if (was || !sameLabels(previous.metadata.labels, object.metadata.labels)) tell(concerned(object, options));
    },
    onDelete: (object) => tell(controllerIn(object, options)),
  });
}

function concerned<Owner extends KubeObject, T extends KubeObject>(
  object: T,
  options: FollowOwnedOptions<Owner, T>,
): readonly Owner[] {
  if (controllerOf(object)) return controllerIn(object, options);
  if (object.metadata.deletionTimestamp !== undefined) return [];
  const { labels, namespace = "" } = object.metadata;
  return options.owners.objects.inNamespace(namespace).filter((owner) => options.selects(owner)(labels));
}

function controllerIn<Owner extends KubeObject, T extends KubeObject>(
  object: T,
  { owners }: FollowOwnedOptions<Owner, T>,
): readonly Owner[] {
  const reference = controllerOf(object);
  if (!reference || !isOfGroup(reference, owners.type)) return [];
  const { namespace } = object.metadata;
  const owner = owners.objects.get(keyText({ namespace, name: reference.name }));
  return owner?.metadata.uid === reference.uid ? [owner] : [];
}

function isOfGroup(
  { apiVersion, kind }: { apiVersion: string; kind: string },
  type: ResourceType<KubeObject>,
): boolean {
  if (kind !== type.kind) return false;
  const [group] = apiVersion.includes("/") ? apiVersion.split("/") : [""];
  return group === type.group || apiVersion === apiVersionOf(type);
}

function sameLabels(a: Labels = {}, b: Labels = {}): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
