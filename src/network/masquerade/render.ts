/** A family's masquerade → the table that does it. A table of its own: the service proxy's is another's. */
import { part, register } from "../../kernel/netlink/nftables/data.ts";
import { setOf } from "../../kernel/netlink/nftables/datatype.ts";
import type { Expression } from "../../kernel/netlink/nftables/expressions/index.ts";
import type { NftChain, NftElement, NftSet, NftTableRef } from "../../kernel/netlink/nftables/state.ts";
import { addressBits, numberBytes, rangeOf, type AddressRange, type Cidr } from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";
import type { Masquerade } from "./derive.ts";

export const tableName = "fairlead-network";
const setName = "inside";

export function tableOf(family: IpFamily): NftTableRef {
  return { family: family === "IPv4" ? "ip" : "ip6", name: tableName };
}

export interface RenderedTable {
  readonly table: NftTableRef;
  readonly set: NftSet;
  readonly elements: readonly NftElement[];
  readonly chain: NftChain;
  readonly rules: readonly (readonly Expression[])[];
}

/**
 * NF_IP_PRI_NAT_SRC is 100, where the service proxy has its own: what it masqueraded has its address by then, and the
 * kernel asks no later chain (nf_nat_inet_fn).
 */
const priority = 110;

export function renderMasquerade({ family, podCidr, exempt }: Masquerade): RenderedTable {
  const type = family === "IPv4" ? "ipv4_addr" : "ipv6_addr";
  return {
    table: tableOf(family),
    set: { name: setName, ...setOf([type], undefined, { interval: true }) },
    elements: exempt.flatMap((range) => elementsOf(range, family)),
    chain: { name: "postrouting", base: { type: "nat", hook: "postrouting", priority } },
    rules: [[...isFrom(podCidr), ...goesOutside(family), { expr: "masq", flags: ["fullyRandom"] }]],
  };
}

/** An interval begins with an element and ends before another; one that reaches the last address has no end. */
function elementsOf({ first, last }: AddressRange, family: IpFamily): NftElement[] {
  const begin = { key: numberBytes(first, family) };
  if (last === (1n << BigInt(addressBits(family))) - 1n) return [begin];
  return [begin, { key: numberBytes(last + 1n, family), flags: ["intervalEnd"] }];
}

/** Where a header has its addresses, and what they take (RFC 791, RFC 8200). */
const header = { IPv4: { source: 12, destination: 16, bytes: 4 }, IPv6: { source: 8, destination: 24, bytes: 16 } };

function isFrom(cidr: Cidr): Expression[] {
  const { family } = cidr;
  const { source, bytes } = header[family];
  const { first, last } = rangeOf(cidr);
  const everyBit = (1n << BigInt(bytes * 8)) - 1n;
  const mask = numberBytes(everyBit ^ (last - first), family);
  return [
    { expr: "payload", base: "network", offset: source, len: bytes, dreg: register(0) },
    { expr: "bitwise", sreg: register(0), dreg: register(0), len: bytes, mask, xor: new Uint8Array(bytes) },
    { expr: "cmp", sreg: register(0), op: "eq", data: part.address(cidr.address) },
  ];
}

function goesOutside(family: IpFamily): Expression[] {
  const { destination, bytes } = header[family];
  return [
    { expr: "payload", base: "network", offset: destination, len: bytes, dreg: register(0) },
    { expr: "lookup", set: setName, sreg: register(0), flags: ["inv"] },
  ];
}
