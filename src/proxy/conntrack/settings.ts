/**
 * KubeProxyConfiguration's conntrack → kernel parameters (upstream: pkg/proxy/conntrack/sysctls.go). What is zero is
 * left as it is. Pure.
 */
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";

type ConntrackConfig = KubeProxyConfiguration["conntrack"];

export interface Setting {
  /** A kernel parameter's name. */
  readonly name: string;
  readonly value: number;
}

/** However many cores there are: an entry takes 320 bytes. */
const mostEntries = 1_048_576;

/** Entries that the table is to hold; 0: as many as it does. */
export function conntrackMax({ maxPerCore, min }: ConntrackConfig, cores: number): number {
  if (maxPerCore <= 0) return 0;
  const scaled = maxPerCore * cores;
  return scaled > mostEntries ? mostEntries : Math.max(scaled, min);
}

/** In upstream's order. */
export function conntrackSettings(config: ConntrackConfig, cores: number): readonly Setting[] {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const wanted: readonly (readonly [string, number])[] = [
    ["nf_conntrack_max", conntrackMax(config, cores)],
    ["nf_conntrack_tcp_timeout_established", seconds(config.tcpEstablishedTimeout)],
    ["nf_conntrack_tcp_timeout_close_wait", seconds(config.tcpCloseWaitTimeout)],
    ["nf_conntrack_tcp_be_liberal", config.tcpBeLiberal ? 1 : 0],
    ["nf_conntrack_udp_timeout", seconds(config.udpTimeout)],
    ["nf_conntrack_udp_timeout_stream", seconds(config.udpStreamTimeout)],
  ];
  return wanted.flatMap(([name, value]) => (value > 0 ? [{ name: `net/netfilter/${name}`, value }] : []));
}

/** Buckets of the hash table for so many entries: chains of four. */
export function hashSizeFor(max: number): number {
  return Math.floor(max / 4);
}
