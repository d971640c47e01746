/** The order in which nodes are looked at: zones take turns, so that a search that ends early has seen each (internal/cache node_tree). */
import { regionLabel, zoneLabel } from "../model/spread.ts";
import type { NodeInfo } from "./node_info.ts";

export function zonesInTurn(nodes: Iterable<NodeInfo>): NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const zone = zoneOf(node);
    const members = zones.get(zone);
    if (members) members.push(node);
    else zones.set(zone, [node]);
  }
  if (zones.size === 1) return [...zones.values()][0]!;
  const order: NodeInfo[] = [];
  const longest = Math.max(0, ...[...zones.values()].map(({ length }) => length));
  for (let i = 0; i < longest; i++) {
    for (const members of zones.values()) if (i < members.length) order.push(members[i]!);
  }
  return order;
}

export function zoneOf({ labels }: NodeInfo): string {
  return `${labels[regionLabel] ?? ""}\0${labels[zoneLabel] ?? ""}`;
}
