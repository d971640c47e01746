/** A sandbox's resolv.conf (pkg/kubelet/network/dns). */
import type { Pod } from "../../../model/kubernetes.ts";
import type { DnsConfig } from "../../cri/messages.ts";

export interface DnsSettings {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's, as resolvConf names it. */
  readonly host: DnsConfig;
}

const defaultOptions = ["ndots:5"];
/** What glibc takes. */
const maxServers = 3;

export function parseResolvConf(text: string): DnsConfig {
  const result = { servers: [] as string[], searches: [] as string[], options: [] as string[] };
  for (const line of text.split("\n")) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === "nameserver" && rest[0]) result.servers.push(rest[0]);
    // Of several the last holds (resolv.conf(5)).
    if (word === "search") result.searches = rest.map((name) => (name === "." ? name : name.replace(/\.$/, "")));
    if (word === "options") result.options = rest;
  }
  return result;
}

export function dnsOf(pod: Pod, settings: DnsSettings): DnsConfig {
  const base = baseOf(pod, settings);
  const own = pod.spec.dnsConfig;
  if (!own) return base;
  const options = (own.options ?? []).map(({ name = "", value }) => (value ? `${name}:${value}` : name));
  return {
    servers: unique([...base.servers, ...(own.nameservers ?? [])]).slice(0, maxServers),
    searches: unique([...base.searches, ...(own.searches ?? [])]),
    options: mergedOptions(base.options, options),
  };
}

function baseOf({ metadata, spec }: Pod, { clusterDns, clusterDomain, host }: DnsSettings): DnsConfig {
  const policy = spec.dnsPolicy ?? "ClusterFirst";
  if (policy === "None") return { servers: [], searches: [], options: [] };
  const usesCluster = policy === "ClusterFirstWithHostNet" || (policy === "ClusterFirst" && spec.hostNetwork !== true);
  if (!usesCluster || clusterDns.length === 0) return { ...host, servers: host.servers.slice(0, maxServers) };
  const service = `svc.${clusterDomain}`;
  const cluster = clusterDomain === "" ? [] : [`${metadata.namespace}.${service}`, service, clusterDomain];
  return {
    servers: clusterDns.slice(0, maxServers),
    searches: unique([...cluster, ...host.searches]),
    options: defaultOptions,
  };
}

function mergedOptions(base: readonly string[], own: readonly string[]): readonly string[] {
  const nameOf = (option: string): string => option.split(":")[0]!;
  const names = new Set(own.map(nameOf));
  return [...base.filter((option) => !names.has(nameOf(option))), ...own];
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
