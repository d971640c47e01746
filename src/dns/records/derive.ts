/** A Service and its EndpointSlices → the names below it (Kubernetes DNS specification 1.1, 2.3 to 2.5). */
import type { DnsEndpoint, DnsService, DnsSlice } from "./decode.ts";
import { RecordSet } from "./record_set.ts";

/** By what stands before "service.namespace.svc.zone": "", "_http._tcp", "web-0", "10-244-0-7". */
export type ServiceRecords = ReadonlyMap<string, RecordSet>;

export function deriveService(service: DnsService, slices: Iterable<DnsSlice>, zone: string): ServiceRecords {
  if (service.kind === "external") return new Map([["", new RecordSet({ cname: service.externalName })]]);
  const names = new Names(`${service.name}.${service.namespace}.svc.${zone}`);
  if (service.kind === "cluster") addClusterIps(names, service);
  for (const slice of slices) {
    for (const endpoint of slice.endpoints) {
      if (isPublished(endpoint, service)) addEndpoint(names, service, slice, endpoint);
    }
  }
  return names.sets;
}

export function isPublished({ ready }: DnsEndpoint, service: DnsService | undefined): boolean {
  return ready || (service?.publishNotReady ?? false);
}

/** An endpoint's own label where its pod gives it none: its address with dashes (CoreDNS does the same). */
export function endpointLabel({ hostname }: DnsEndpoint, address: string): string {
  return hostname === "" ? address.replace(/[.:]/g, "-") : hostname;
}

function addClusterIps(names: Names, { clusterIps, ports }: DnsService): void {
  for (const ip of clusterIps) names.address("", ip);
  for (const port of ports) {
    names.srv("", "", port.port);
    const label = portLabel(port);
    if (label === undefined) continue;
    for (const ip of clusterIps) names.address(label, ip);
    names.srv(label, "", port.port);
  }
}

function addEndpoint(names: Names, { kind }: DnsService, { ports }: DnsSlice, endpoint: DnsEndpoint): void {
  for (const ip of endpoint.addresses) {
    const host = endpointLabel(endpoint, ip);
    names.address(host, ip);
    for (const { port } of ports) names.srv(host, host, port);
    if (kind !== "headless") continue;
    names.address("", ip);
    for (const port of ports) {
      names.srv("", host, port.port);
      const label = portLabel(port);
      if (label === undefined) continue;
      names.address(label, ip);
      names.srv(label, host, port.port);
    }
  }
}

function portLabel({ name, protocol }: { readonly name: string; readonly protocol: string }): string | undefined {
  return name === "" ? undefined : `_${name.toLowerCase()}._${protocol.toLowerCase()}`;
}

/** Collects; what several slices say is there once. */
class Names {
  readonly sets = new Map<string, RecordSet>();
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  address(prefix: string, ip: string): void {
    const set = this.#set(prefix);
    (ip.includes(":") ? set.aaaa : set.a).add(ip);
  }

  srv(prefix: string, host: string, port: number): void {
    const target = host === "" ? this.#base : `${host}.${this.#base}`;
    const hostSet = this.#set(host);
    this.#set(prefix).srv.set(`${target}:${port}`, { target, port, addresses: hostSet });
  }

  #set(prefix: string): RecordSet {
    let set = this.sets.get(prefix);
    if (!set) this.sets.set(prefix, (set = new RecordSet({})));
    return set;
  }
}
