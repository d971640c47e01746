/** The API's Services, EndpointSlices and namespaces → the index, event by event. */
import type { Client } from "../api/client.ts";
import { Informer } from "../api/informer.ts";
import { resourceTypes } from "../api/resource_types.ts";
import type { EndpointSlice, KubeObject, Namespace, ObjectMeta, Service } from "../model/kubernetes.ts";
import type { ClusterIndex } from "./records/cluster_index.ts";
import { decodeService, decodeSlice } from "./records/decode.ts";

export interface FollowOptions {
  readonly client: Client;
  readonly index: ClusterIndex;
  readonly onError: (resource: string, error: unknown) => void;
  /** A slice has been taken in that names when its cause was. @param triggered RFC 3339 */
  readonly onSlice?: (triggered: string, isHeadless: boolean) => void;
}

export class ClusterFollower {
  readonly #informers: readonly Pick<Informer<KubeObject>, "start" | "stop" | "synced" | "isSynced">[];

  constructor({ client, index, onError, onSlice }: FollowOptions) {
    const { services, endpointSlices, namespaces } = resourceTypes;
    const options = <T extends KubeObject>(resource: string, keep: (object: T) => T) => ({
      onError: (error: unknown) => onError(resource, error),
      keep,
    });
    const serviceInformer = new Informer(client, services, options("services", keptService));
    const sliceInformer = new Informer(client, endpointSlices, options("endpointslices", keptSlice));
    const namespaceInformer = new Informer(client, namespaces, options("namespaces", keptNamespace));
    const setService = (service: Service): void => index.setService(decodeService(service));
    serviceInformer.subscribe({
      onAdd: setService,
      onUpdate: (_, service) => setService(service),
      onDelete: (service) => index.deleteService(decodeService(service)),
    });
    followSlices(sliceInformer, index, onSlice);
    namespaceInformer.subscribe({
      onAdd: ({ metadata }) => index.setNamespace(metadata.name),
      onDelete: ({ metadata }) => index.deleteNamespace(metadata.name),
    });
    this.#informers = [serviceInformer, sliceInformer, namespaceInformer];
  }

  start(): void {
    for (const informer of this.#informers) informer.start();
  }

  stop(): void {
    for (const informer of this.#informers) informer.stop();
  }

  get isSynced(): boolean {
    return this.#informers.every(({ isSynced }) => isSynced);
  }

  /** @returns whether the first lists came in time */
  async synced(timeoutMs: number): Promise<boolean> {
    const came = await Promise.all(this.#informers.map((informer) => informer.synced(timeoutMs)));
    return came.every(Boolean);
  }
}

function followSlices(informer: Informer<EndpointSlice>, index: ClusterIndex, onSlice: FollowOptions["onSlice"]): void {
  // The index knows its own objects again: what it was given is what it is told to forget.
  const decoded = new Map<string, ReturnType<typeof decodeSlice>>();
  const set = (slice: EndpointSlice): void => {
    const { namespace = "", name, annotations } = slice.metadata;
    const key = `${namespace}/${name}`;
    const next = decodeSlice(slice);
    index.setSlice(next, decoded.get(key));
    decoded.set(key, next);
    const triggered = annotations?.[triggerTime];
    if (!next || triggered === undefined) return;
    onSlice?.(triggered, index.service(namespace, next.service)?.kind === "headless");
  };
  informer.subscribe({
    onAdd: set,
    onUpdate: (_, slice) => set(slice),
    onDelete: ({ metadata: { namespace = "", name } }) => {
      const key = `${namespace}/${name}`;
      index.setSlice(undefined, decoded.get(key));
      decoded.delete(key);
    },
  });
}

const triggerTime = "endpoints.kubernetes.io/last-change-trigger-time";

/** Of an object only what names are made of, for there are many. */
function keptService({ apiVersion, kind, metadata, spec }: Service): Service {
  const { type, clusterIP, clusterIPs, externalName, ports, publishNotReadyAddresses } = spec;
  const fields = { type, clusterIP, clusterIPs, externalName, ports, publishNotReadyAddresses };
  return { apiVersion, kind, metadata: keptMetadata(metadata), spec: withoutAbsent(fields) };
}

function keptSlice({ apiVersion, kind, metadata, addressType, ports, endpoints }: EndpointSlice): EndpointSlice {
  const { labels, annotations } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { ...keptMetadata(metadata), ...withoutAbsent({ labels, annotations }) },
    addressType,
    ...withoutAbsent({ ports }),
    endpoints: (endpoints ?? []).map(({ addresses, hostname, conditions }) => ({
      addresses,
      ...withoutAbsent({ hostname, conditions }),
    })),
  };
}

function keptNamespace({ apiVersion, kind, metadata }: Namespace): Namespace {
  return { apiVersion, kind, metadata: keptMetadata(metadata), spec: {} };
}

function keptMetadata({ name, namespace, uid, resourceVersion, creationTimestamp }: ObjectMeta): ObjectMeta {
  return withoutAbsent({ name, namespace, uid, resourceVersion, creationTimestamp });
}

function withoutAbsent<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
