/** Where a traced packet runs: this node's addresses, and the links by which others reach it. */
import type { Address } from "../../kernel/netlink/rtnetlink/address.ts";
import type { Link } from "../../kernel/netlink/rtnetlink/link.ts";
import type { Route } from "../../kernel/netlink/rtnetlink/route.ts";
import { parseIp, type IpAddress } from "../../model/address.ts";
import { holds, parseCidr } from "../../model/cidr.ts";
import type { NodeFacts } from "./nftables.ts";

export function nodeFactsOf(addresses: readonly Address[]): NodeFacts {
  const own = new Set(addresses.flatMap(({ address, local = address }) => (local ? (parseIp(local) ?? []) : [])));
  const loopback = parseCidr("127.0.0.0/8")!;
  return { isLocal: (address) => own.has(address) || holds(loopback, address) };
}

/** The link by which packets go to an address, and so by which its own come: the longest prefix, then the lowest metric. */
export function linkOf(address: IpAddress, routes: readonly Route[], links: readonly Link[]): string | undefined {
  const isV6 = address.includes(":");
  const found = routes
    .filter(({ family }) => (family === "ip6") === isV6)
    .map((route) => ({ route, prefix: route.destinationPrefixLength ?? 0 }))
    .filter(({ route: { destination }, prefix }) => {
      const cidr = parseCidr(`${destination ?? (isV6 ? "::" : "0.0.0.0")}/${prefix}`);
      return cidr && holds(cidr, address);
    })
    .sort((a, b) => b.prefix - a.prefix || (a.route.priority ?? 0) - (b.route.priority ?? 0))[0]?.route;
  const index = found?.outInterface ?? found?.nextHops?.[0]?.outInterface;
  return links.find((link) => link.index === index)?.name;
}
