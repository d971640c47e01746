/** The content of `nft-map-load` as the steps of one transaction. */
import { concatKey, part } from "../../../src/kernel/netlink/nftables/data.ts";
import { setOf } from "../../../src/kernel/netlink/nftables/datatype.ts";
import type { NftElement } from "../../../src/kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../../src/kernel/netlink/nftables/step.ts";
import { mapName, protocolNumbers, tableName, type MapElement } from "./content.ts";

const table = { family: "ip", name: tableName } as const;

export function mapSteps(chains: readonly string[], elements: readonly MapElement[]): NftStep[] {
  const layout = setOf(["ipv4_addr", "inet_proto", "inet_service"], "verdict");
  return [
    { step: "add table", table },
    ...chains.map((name) => ({ step: "add chain", table, chain: { name } }) as const),
    { step: "add set", table, set: { name: mapName, ...layout } },
    { step: "add elements", table, set: mapName, elements: elements.map(nftElement) },
  ];
}

export function nftElement({ address, protocol, port, chain }: MapElement): NftElement {
  const key = concatKey([part.address(address), part.protocol(protocolNumbers[protocol]), part.port(port)]);
  return { key, data: { verdict: { code: "goto", chain } } };
}
