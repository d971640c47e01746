/** The configuration, this node and its addresses → what modes need to know of where they run. Pure. */
import ipaddr from "ipaddr.js";
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";
import { parseIp, type IpAddress } from "../../model/address.ts";
import { familyOfIp } from "../../model/cidr.ts";
import type { Node } from "../../model/kubernetes.ts";
import type { IpFamily } from "../../model/service.ts";
import type { LocalDetector } from "../derive/mode_options.ts";

export type NodeIps = Readonly<Partial<Record<IpFamily, IpAddress>>>;

/** Addresses by which others know the node, one of each family at most, the primary one first (upstream: GetNodeHostIPs). */
export function hostIps(node: Node | undefined): readonly IpAddress[] {
  const addresses = node?.status?.addresses ?? [];
  const known = ["InternalIP", "ExternalIP"].flatMap((type) =>
    addresses.flatMap((one) => (one.type === type ? (parseIp(one.address) ?? []) : [])),
  );
  const [primary] = known;
  if (primary === undefined) return [];
  const other = known.find((address) => familyOfIp(address) !== familyOfIp(primary));
  return other === undefined ? [primary] : [primary, other];
}

/** bindAddress takes the place of the node's own (upstream: detectNodeIPs). */
export function nodeIps(node: Node | undefined, bindAddress: string): NodeIps {
  const own = Object.fromEntries(hostIps(node).map((address) => [familyOfIp(address), address]));
  const bound = parseIp(bindAddress);
  const isGiven = bound !== undefined && !["0.0.0.0", "::"].includes(bound);
  return isGiven ? { ...own, [familyOfIp(bound)]: bound } : own;
}

export function zoneOf(node: Node | undefined): string {
  return node?.metadata.labels?.["topology.kubernetes.io/zone"] ?? "";
}

/** How pods of this node are told from everything else. */
export function localDetector(
  config: Pick<KubeProxyConfiguration, "detectLocalMode" | "detectLocal" | "clusterCIDR">,
  node: Node | undefined,
  family: IpFamily,
): LocalDetector {
  const { bridgeInterface, interfaceNamePrefix } = config.detectLocal;
  switch (config.detectLocalMode) {
    case "ClusterCIDR":
      return byCidr(config.clusterCIDR.split(","), family);
    case "NodeCIDR":
      return byCidr(podCidrs(node), family);
    case "BridgeInterface":
      return { mode: "BridgeInterface", name: bridgeInterface };
    case "InterfaceNamePrefix":
      return { mode: "InterfaceNamePrefix", prefix: interfaceNamePrefix };
  }
}

export function podCidrs(node: Node | undefined): readonly string[] {
  return node?.spec.podCIDRs ?? [];
}

function byCidr(cidrs: readonly string[], family: IpFamily): LocalDetector {
  const cidr = ofFamily(cidrs, family)[0];
  return cidr === undefined ? { mode: "none" } : { mode: "cidr", cidr };
}

export function ofFamily(cidrs: readonly string[], family: IpFamily): readonly string[] {
  return cidrs.filter((cidr) => cidr !== "" && familyOfIp(cidr) === family);
}

/**
 * Addresses that serve node ports (upstream: NodePortAddresses). Ranges that name none of a family mean all of
 * that family. Loopback addresses serve none unless "localhost" says so: not in upstream's nftables mode at all.
 *
 * @param configured nodePortAddresses, or what the mode takes for them
 * @param local every address of this machine
 */
export function nodePortAddresses(
  configured: readonly string[],
  ips: NodeIps,
  local: readonly IpAddress[],
  family: IpFamily,
): readonly IpAddress[] {
  const ranges = configured.flatMap((one) => {
    if (one === "all") return ["0.0.0.0/0", "::/0"];
    if (one === "localhost") return [];
    if (one !== "primary") return [one];
    return Object.values(ips).map((address) => `${address}/${familyOfIp(address) === "IPv4" ? 32 : 128}`);
  });
  const isLocalhostAlone = configured.every((one) => one === "localhost");
  const own = ofFamily(ranges, family);
  const all = own.length === 0 && !isLocalhostAlone;
  const parsed = own.map((range) => ipaddr.parseCIDR(range));
  const served = local.filter((address) => {
    const ip = ipaddr.parse(address);
    if (familyOfIp(address) !== family) return false;
    if (ip.range() === "loopback") return configured.includes("localhost");
    return all || parsed.some((range) => ip.match(range));
  });
  return [...new Set(served)].sort();
}
