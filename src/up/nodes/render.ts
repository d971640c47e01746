/** How the nodes of one machine hang together: a bridge on the machine, and for each further node a pair of links. Pure. */
import type { RoutingChange } from "../../kernel/ports.ts";
import { ipText, macText, type IpAddress, type MacAddress } from "../../model/address.ts";
import { addressNumber, numberBytes, parseCidr, rangeOf } from "../../model/cidr.ts";
import { renderMasquerade, type RenderedTable } from "../../network/masquerade/render.ts";

export const bridgeName = "fairlead-br";
export const tableRef = { family: "ip", name: "fairlead-nodes" } as const;
/** The node's only link besides loopback's. */
const nodeLink = "eth0";
const up = { flags: ["up"], change: ["up"] } as const;
const noHeader = { family: "unspec", hardwareType: "unspec", index: 0, flags: [], change: [] } as const;

export function hostLinkName(number: number): string {
  return `fairlead-n${number}`;
}

/** The machine's address is the first of the network, by which the nodes reach it; the second node's is the second. */
export function addressOf(network: string, number: number): IpAddress {
  const { address, family } = parseCidr(network)!;
  return ipText(numberBytes(addressNumber(address) + BigInt(number), family))!;
}

/**
 * The same for the same node, also after its return. A bridge without one of its own has that of a port (br_if.c), and another
 * one as soon as that port is gone: all nodes would speak to nobody until their neighbour entries are stale.
 */
export function macOf(network: string, number: number): MacAddress {
  const { address, family } = parseCidr(network)!;
  const bytes = numberBytes(addressNumber(address) + BigInt(number), family).slice(-4);
  return macText(Uint8Array.of(0x0a, 0x58, ...bytes))!;
}

export function renderBridge(network: string): RoutingChange {
  const value = { name: bridgeName, address: macOf(network, 1), info: { kind: "bridge" } } as const;
  return { verb: "add", object: "link", value };
}

export function renderBridgeEnd(network: string, index: number): readonly RoutingChange[] {
  return [
    { verb: "change", object: "link", value: { index, addressFamilies: { inet6: { addressGeneration: "none" } } } },
    { verb: "change", object: "link", value: { index, ...up } },
    address(addressOf(network, 1), network, index),
  ];
}

/** Both ends in one message: the node's is born in its namespace. */
export function renderPair(network: string, number: number, namespaceFd: number, bridgeIndex: number): RoutingChange {
  const peer = { ...noHeader, name: nodeLink, address: macOf(network, number), netnsFd: namespaceFd };
  return {
    verb: "add",
    object: "link",
    value: { name: hostLinkName(number), master: bridgeIndex, info: { kind: "veth", peer } },
  };
}

export function renderHostEnd(number: number): readonly RoutingChange[] {
  return [{ verb: "change", object: "link", value: { name: hostLinkName(number), ...up } }];
}

export const loopbackUp: RoutingChange = { verb: "change", object: "link", value: { name: "lo", ...up } };
export const nodeLinkOf = { name: nodeLink } as const;

/** @param index of the node's link in its namespace */
export function renderNodeEnd(network: string, number: number, index: number): readonly RoutingChange[] {
  return [
    { verb: "change", object: "link", value: { index, ...up } },
    address(addressOf(network, number), network, index),
    {
      verb: "add",
      object: "route",
      value: {
        family: "ip",
        destinationPrefixLength: 0,
        gateway: addressOf(network, 1),
        outInterface: index,
        protocol: "static",
        scope: "universe",
        kind: "unicast",
      },
    },
  ];
}

/** What leaves the machine has the machine's address: nobody outside knows the nodes' own. */
export function renderNodesMasquerade(network: string): RenderedTable {
  const cidr = parseCidr(network)!;
  return { ...renderMasquerade({ family: "IPv4", podCidr: cidr, exempt: [rangeOf(cidr)] }), table: tableRef };
}

function address(local: IpAddress, network: string, index: number): RoutingChange {
  const prefixLength = Number(network.split("/")[1]);
  return { verb: "add", object: "address", value: { index, prefixLength, local } };
}
