/** What of a machine's sets and virtual servers is an ipvs mode's, this proxy's or a kube-proxy's. Pure. */
import type { Ipset } from "../../../kernel/netlink/ipset/set.ts";
import { familyOfKey, type IpvsServiceKey } from "../../../kernel/netlink/ipvs/service.ts";
import { setName } from "./names.ts";

/** Whether the sets are ours, and no kube-proxy's. */
export function isOurs(sets: readonly Pick<Ipset, "name">[]): boolean {
  const own = new Set((["IPv4", "IPv6"] as const).map((family) => setName("FAIRLEAD-NO-LOCAL", family)));
  return sets.some(({ name }) => own.has(name));
}

export interface MachineState {
  /** Those of the mode's names. */
  readonly sets: readonly Ipset[];
  /** Addresses of the device that has Services'. */
  readonly onDevice: ReadonlySet<string>;
  /** All addresses of the machine. */
  readonly all: ReadonlySet<string>;
}

/** Servers bear no name: the device has their address, or a set has their frontend. @param keys of all that there are */
export function serversOf(
  keys: readonly IpvsServiceKey[],
  { sets, onDevice, all }: MachineState,
): readonly IpvsServiceKey[] {
  const frontends = new Set(sets.flatMap(frontendsOf));
  // The node may have lost an address since; where a kube-proxy's port is at one that is not here, it is somebody else's.
  const isAnywhere = isOurs(sets);
  return keys.filter((key) => {
    if ("mark" in key) return false;
    const { address, port, protocol } = key;
    if (onDevice.has(address) || frontends.has(`${protocol} ${address} ${port}`)) return true;
    return (isAnywhere || all.has(address)) && frontends.has(`${familyOfKey(key)} ${protocol} ${port}`);
  });
}

/** "tcp 10.96.0.1 443"; "ip tcp 30080" at every address of the node. */
function frontendsOf({ name, definition, elements }: Ipset): readonly string[] {
  const [, six, nodePorts] = /^KUBE-(6-)?NODE-PORT-(TCP|UDP)$/.exec(name) ?? [];
  if (nodePorts !== undefined) {
    const of = `${six === undefined ? "ip" : "ip6"} ${nodePorts.toLowerCase()}`;
    return elements.map(({ port }) => `${of} ${port}`);
  }
  if (definition.type !== "hash:ip,port") return [];
  return elements.map(({ ip, port, protocol }) => `${protocol} ${ip} ${port}`);
}
