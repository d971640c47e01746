/**
 * What the proxy keeps of Services and EndpointSlices: text. As objects their fields would be most of its memory, and
 * each is looked at only when it, or the node's place, changes.
 */
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

  constructor(whole: T, owner: string) {
    const { name, namespace, uid, resourceVersion } = whole.metadata;
    this.apiVersion = whole.apiVersion;
    this.kind = whole.kind;
    this.metadata = {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      resourceVersion,
      creationTimestamp: "",
    };
    this.owner = owner;
    this.#text = JSON.stringify(whole);
  }

  get object(): T {
    return JSON.parse(this.#text) as T;
  }
}

export function keptService(service: Service): Kept<Service> {
  const { namespace = "", name } = service.metadata;
  return new Kept(keepService(service), `${namespace}/${name}`);
}

export function keptSlice(slice: EndpointSlice): Kept<EndpointSlice> {
  const { namespace = "", labels } = slice.metadata;
  return new Kept(keepSlice(slice), `${namespace}/${labels?.[serviceNameLabel] ?? ""}`);
}
