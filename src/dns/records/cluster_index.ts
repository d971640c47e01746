/**
 * What the cluster's names are, kept with each event. A change costs what has changed; names of a Service are derived when
 * somebody asks for one of them.
 */
import type { DnsService, DnsSlice } from "./decode.ts";
import { deriveService, endpointLabel, isPublished, type ServiceRecords } from "./derive.ts";

interface State {
  service: DnsService | undefined;
  readonly slices: Map<string, DnsSlice>;
  records: ServiceRecords | undefined;
}

export class ClusterIndex {
  /** Without a last dot: "cluster.local". */
  readonly zone: string;
  readonly #states = new Map<string, State>();
  /** Service's keys by cluster IP; slices' Services and names by endpoints' addresses. */
  readonly #clusterIps = new Map<string, string>();
  readonly #endpointIps = new Map<string, Set<DnsSlice>>();
  readonly #namespaces = new Set<string>();
  #version = 0;

  constructor(zone: string) {
    this.zone = zone.replace(/\.$/, "").toLowerCase();
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version;
  }

  setNamespace(name: string): void {
    this.#namespaces.add(name);
    this.#version++;
  }

  deleteNamespace(name: string): void {
    this.#namespaces.delete(name);
    this.#version++;
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  setService(service: DnsService): void {
    const key = `${service.namespace}/${service.name}`;
    const state = this.#state(key);
    this.#forgetIps(key, state.service);
    state.service = service;
    for (const ip of service.clusterIps) this.#clusterIps.set(ip, key);
    this.#changed(state);
  }

  deleteService({ namespace, name }: Pick<DnsService, "namespace" | "name">): void {
    const key = `${namespace}/${name}`;
    const state = this.#states.get(key);
    if (!state) return;
    this.#forgetIps(key, state.service);
    state.service = undefined;
    this.#changed(state);
    this.#sweep(key, state);
  }

  /** @param previous the same slice as it was: it may have been another Service's */
  setSlice(slice: DnsSlice | undefined, previous?: DnsSlice): void {
    if (previous) this.#deleteSlice(previous, slice);
    if (!slice) return;
    const state = this.#state(serviceKey(slice));
    state.slices.set(slice.name, slice);
    for (const { addresses } of slice.endpoints) {
      for (const ip of addresses) {
        const slices = this.#endpointIps.get(ip);
        if (slices) slices.add(slice);
        else this.#endpointIps.set(ip, new Set([slice]));
      }
    }
    this.#changed(state);
  }

  #deleteSlice(slice: DnsSlice, next: DnsSlice | undefined): void {
    const key = serviceKey(slice);
    const state = this.#states.get(key);
    if (!state) return;
    state.slices.delete(slice.name);
    for (const { addresses } of slice.endpoints) {
      for (const ip of addresses) {
        const slices = this.#endpointIps.get(ip);
        slices?.delete(slice);
        if (slices?.size === 0) this.#endpointIps.delete(ip);
      }
    }
    this.#changed(state);
    if (!next || serviceKey(next) !== key) this.#sweep(key, state);
  }

  /** @returns undefined where there is no such Service; empty where nothing of it has an address */
  records(namespace: string, name: string): ServiceRecords | undefined {
    const state = this.#states.get(`${namespace}/${name}`);
    if (!state?.service) return undefined;
    return (state.records ??= deriveService(state.service, state.slices.values(), this.zone));
  }

  service(namespace: string, name: string): DnsService | undefined {
    return this.#states.get(`${namespace}/${name}`)?.service;
  }

  /** Names that an address has: its Service's, or those of the endpoints that it is. */
  namesOf(ip: string): readonly string[] {
    const key = this.#clusterIps.get(ip);
    if (key !== undefined) {
      const { namespace, name } = this.#states.get(key)!.service!;
      return [`${name}.${namespace}.svc.${this.zone}`];
    }
    const names = new Set<string>();
    for (const slice of this.#endpointIps.get(ip) ?? []) {
      const service = this.service(slice.namespace, slice.service);
      if (!service || service.kind === "external") continue;
      for (const endpoint of slice.endpoints) {
        if (!endpoint.addresses.includes(ip) || !isPublished(endpoint, service)) continue;
        names.add(`${endpointLabel(endpoint, ip)}.${slice.service}.${slice.namespace}.svc.${this.zone}`);
      }
    }
    return [...names];
  }

  #state(key: string): State {
    let state = this.#states.get(key);
    if (!state) {
      state = { service: undefined, slices: new Map(), records: undefined };
      this.#states.set(key, state);
    }
    return state;
  }

  #changed(state: State): void {
    state.records = undefined;
    this.#version++;
  }

  #forgetIps(key: string, service: DnsService | undefined): void {
    // An address that has gone to another Service meanwhile stays that one's.
    for (const ip of service?.clusterIps ?? []) if (this.#clusterIps.get(ip) === key) this.#clusterIps.delete(ip);
  }

  #sweep(key: string, { service, slices }: State): void {
    if (!service && slices.size === 0) this.#states.delete(key);
  }
}

function serviceKey({ namespace, service }: DnsSlice): string {
  return `${namespace}/${service}`;
}
