/**
 * What the proxy keeps of Services and EndpointSlices: text. As objects their fields would be most of its memory, and
 * each is looked at only when it, or the node's place, changes.
 */
import { keyText } from "../../api/client.ts";
import type { EndpointSlice, KubeObject, ObjectMeta, Service } from "../../model/kubernetes.ts";
import { schedulerAnnotation } from "../derive/decode.ts";
import {
  keepService,
  keepSlice,
  serviceNameLabel,
  triggerTimeAnnotation,
  type KeptService as KeptFields,
} from "./keep.ts";
import { usualService, usualServiceText, usualSlice, usualSliceText } from "./usual.ts";

/** @typeParam T what {@link Kept.object} gives back */
export abstract class Kept<T extends KubeObject> implements KubeObject {
  abstract readonly apiVersion: string;
  abstract readonly kind: string;
  /** "namespace/name" of the Service whose it is. */
  readonly owner: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  protected readonly text: string;

  constructor({ metadata: { name, namespace = "", uid, resourceVersion } }: T, owner: string, text: string) {
    this.owner = owner;
    this.name = name;
    this.namespace = one(namespace);
    this.uid = uid;
    this.resourceVersion = resourceVersion;
    this.text = text;
  }

  /** This object itself: one of its own would be a fifth of what is kept. */
  get metadata(): ObjectMeta {
    return this;
  }

  get creationTimestamp(): string {
    return "";
  }

  abstract get object(): T;

  /** In short, where all of it is as usual (usual.ts). */
  get usualText(): string | undefined {
    return isUsual(this.text) ? this.text : undefined;
  }

  /** @returns those of the metadata that are kept of every object */
  protected get head(): ObjectMeta {
    const { name, namespace, uid, resourceVersion } = this;
    return { name, namespace, uid, resourceVersion, creationTimestamp: "" };
  }
}

/** Of a text that is not JSON. */
function isUsual(text: string): boolean {
  return !text.startsWith("{");
}

class KeptService extends Kept<Service> {
  get apiVersion(): string {
    return "v1";
  }

  get kind(): string {
    return "Service";
  }

  get object(): Service {
    const { apiVersion, kind, head, text } = this;
    const kept: KeptFields = isUsual(text) ? usualService(text) : (JSON.parse(text) as KeptFields);
    const { spec, status, scheduler } = kept;
    const metadata = scheduler === undefined ? head : { ...head, annotations: { [schedulerAnnotation]: scheduler } };
    return { apiVersion, kind, metadata, spec, ...(status === undefined ? {} : { status }) };
  }
}

class KeptSlice extends Kept<EndpointSlice> {
  readonly #nodeName: string;

  constructor(slice: EndpointSlice, owner: string, text: string, nodeName: string) {
    super(slice, owner, text);
    this.#nodeName = nodeName;
  }

  get apiVersion(): string {
    return "discovery.k8s.io/v1";
  }

  get kind(): string {
    return "EndpointSlice";
  }

  get object(): EndpointSlice {
    const { apiVersion, kind, head, text } = this;
    const kept = isUsual(text) ? usualSlice(text, this.#nodeName) : (JSON.parse(text) as ReturnType<typeof keepSlice>);
    const { addressType, ports, endpoints, time } = kept;
    const metadata = time === "" ? head : { ...head, annotations: { [triggerTimeAnnotation]: time } };
    return { apiVersion, kind, metadata, addressType, ports: ports ?? [], endpoints };
  }
}

export function keptService(service: Service): Kept<Service> {
  const { namespace = "", name } = service.metadata;
  const text = usualServiceText(service) ?? JSON.stringify(keepService(service));
  return new KeptService(service, keyText({ namespace, name }), text);
}

/** @param nodeName this node's */
export function keptSlice(slice: EndpointSlice, nodeName: string): Kept<EndpointSlice> {
  const { namespace = "", labels } = slice.metadata;
  const owner = keyText({ namespace, name: labels?.[serviceNameLabel] ?? "" });
  const text = usualSliceText(slice, nodeName) ?? JSON.stringify(keepSlice(slice));
  return new KeptSlice(slice, owner, text, nodeName);
}

/** Namespaces that there were: few, and the name of each is kept once. */
const namespaces = new Map<string, string>();

function one(namespace: string): string {
  const known = namespaces.get(namespace);
  if (known === undefined) namespaces.set(namespace, namespace);
  return known ?? namespace;
}
