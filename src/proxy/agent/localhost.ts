/** Node ports at 127.0.0.1 and ::1: a relay serves them beside the mode, where `nodePortAddresses` says `localhost`. */
import ipaddr from "ipaddr.js";
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";
import type { RelayPort } from "../../kernel/ports.ts";
import { localhostRules, type OnRefused } from "../apply/localhost.ts";
import type { ProxyMode } from "./mode.ts";

export function asksForLocalhost({ nodePortAddresses }: Pick<KubeProxyConfiguration, "nodePortAddresses">): boolean {
  return nodePortAddresses?.includes("localhost") ?? false;
}

/** For the mode that is to leave loopback to the relay: the iptables mode would have 127.0.0.0/8 in its rules. */
export function withoutLocalnet(config: KubeProxyConfiguration): KubeProxyConfiguration {
  return { ...config, iptables: { ...config.iptables, localhostNodePorts: false } };
}

/** @param mode of {@link withoutLocalnet} */
export function withLocalhost(mode: ProxyMode, relay: RelayPort, onRefused: OnRefused): ProxyMode {
  return {
    ...mode,
    servesLocalhost: false,
    rules: (options) => localhostRules(mode.rules(options), relay, onRefused),
    nodePortAddresses: (...args) =>
      mode.nodePortAddresses(...args).filter((address) => ipaddr.parse(address).range() !== "loopback"),
  };
}
