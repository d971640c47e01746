/**
 * What the proxy keeps of Services and EndpointSlices: text. As objects their fields would be most of its memory, and
 * each is looked at only when it, or the node's place, changes.
 */
import { keyText } from "../../api/client.ts";
import type { EndpointSlice, KubeObject, ObjectMeta, Service } from "../../model/kubernetes.ts";
import { keepService, keepSlice, serviceNameLabel } from "./keep.ts";

/** @typeParam T what {@link Kept.object} gives back */
export class Kept<T extends KubeObject> implements KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  /** "namespace/name" of the Service whose it is. */
  readonly owner: string;
  readonly #text: string;

  /** @param kept what is needed of it, beside what is common to all */
  constructor({ apiVersion, kind, metadata }: T, owner: string, kept: object) {
    const { name, namespace = "", uid, resourceVersion } = metadata;
    this.apiVersion = apiVersion;
    this.kind = kind;
    this.metadata = { name, namespace: one(namespace), uid, resourceVersion, creationTimestamp: "" };
    this.owner = owner;
    this.#text = JSON.stringify(kept);
  }

  get object(): T {
    const { metadata, ...rest } = JSON.parse(this.#text) as Partial<T>;
    const { apiVersion, kind } = this;
    return { apiVersion, kind, metadata: { ...this.metadata, ...metadata }, ...rest } as T;
  }
}

export function keptService(service: Service): Kept<Service> {
  return new Kept(service, keyText(service.metadata), keepService(service));
}

export function keptSlice(slice: EndpointSlice): Kept<EndpointSlice> {
  const { namespace = "", labels } = slice.metadata;
  return new Kept(slice, keyText({ namespace, name: labels?.[serviceNameLabel] ?? "" }), keepSlice(slice));
}

/** Namespaces that there were: few, and the name of each is kept once. */
const namespaces = new Map<string, string>();

function one(namespace: string): string {
  const known = namespaces.get(namespace);
  if (known === undefined) namespaces.set(namespace, namespace);
  return known ?? namespace;
}
