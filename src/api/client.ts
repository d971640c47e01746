/**
 * The API as the rest of the product uses it: one interface, over HTTPS with a kubeconfig's credentials
 * or straight into the API server of the same process.
 */
import type { KubeObject, New } from "../model/kubernetes.ts";
import type { JsonFields } from "./json_fields.ts";
import type { ResourceType } from "./resource_types.ts";
import type { StatusError } from "./status_error.ts";

export interface ObjectKey {
  /** Absent for cluster-wide objects. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface ListOptions {
  /** Absent: all. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects of a page; absent: the client pages through all. */
  readonly limit?: number;
  readonly continue?: string;
  /** "0": whatever the server has at hand. */
  readonly resourceVersion?: string;
  /** What the caller reads of each object, beside its metadata's usual: of the rest nothing need be there. */
  readonly fields?: JsonFields;
  /** With `fields`: what the caller makes of each object. A client that reads them one by one gives that in their place. */
  readonly keep?: (object: never) => unknown;
  /** With `keep`: the same, of the line that `fields` say of an object as most are (line_form.ts). */
  readonly keepLine?: (line: string) => unknown;
  /** With `limit`: may be told where the next page begins before the objects of this one are made. */
  readonly onNext?: (place: string) => void;
}

export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** There where a page is not the last. */
  readonly continue?: string;
}

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  /** Everything up to this version has been seen. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

export interface WatchObserver<T> {
  onEvent(event: WatchEvent<T>): void;
  /** Called once. Without an error the server ended the watch in peace: go on from the last version. */
  onEnd(error?: StatusError): void;
}

export interface WatchOptions extends Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector" | "fields"> {
  /** Events behind this version. */
  readonly resourceVersion: string;
}

/** Ends the watch; the observer is not called any more. */
export type StopWatch = () => void;

export interface WriteOptions {
  readonly subresource?: string;
  /** Who is recorded in managedFields; default: the client's name. */
  readonly fieldManager?: string;
}

export type Patch =
  | { readonly type: "json"; readonly body: readonly object[] }
  | { readonly type: "merge" | "strategic"; readonly body: object }
  | { readonly type: "apply"; readonly body: object; readonly force?: boolean };

export interface DeleteOptions {
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** Every call throws StatusError where the server refuses or cannot be reached, within the client's time bound. */
export interface Client {
  get<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey): Promise<T>;
  list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<ObjectList<T>>;
  watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions, observer: WatchObserver<T>): StopWatch;
  /** apiVersion and kind are set from the type. */
  create<T extends KubeObject>(type: ResourceType<T>, object: New<T>, options?: WriteOptions): Promise<T>;
  /** Creates what a subresource takes (a pod's binding or eviction, a service account's token). */
  createSubresource<Answer>(
    type: ResourceType<KubeObject>,
    key: ObjectKey,
    subresource: string,
    body: object,
  ): Promise<Answer>;
  /** A resourceVersion in the object's metadata must be the current one; without, the update is unconditional. */
  update<T extends KubeObject>(type: ResourceType<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T>;
  /** @returns the object where it is still there (finalizers or a grace period hold it), else undefined */
  delete<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey, options?: DeleteOptions): Promise<T | undefined>;
  deleteCollection(
    type: ResourceType<KubeObject>,
    options: ListOptions & { readonly delete?: DeleteOptions },
  ): Promise<void>;
  /** The JSON of any other path (discovery). */
  read(path: string): Promise<unknown>;
}

/** Key of an object. */
export function keyOf({ metadata: { namespace, name } }: KubeObject): ObjectKey {
  return { namespace, name };
}

/** "namespace/name", or the name alone: a work queue's key (client-go, tools/cache MetaNamespaceKeyFunc). */
export function keyText({ namespace, name }: ObjectKey): string {
  // Joined, for a store has thousands of them: text that is added to text keeps all its parts (V8's ConsString).
  return namespace === undefined ? name : [namespace, name].join("/");
}

export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf("/");
  return slash < 0 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
