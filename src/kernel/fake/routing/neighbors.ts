import { wholeFdbEntry, wholeNeighbor } from "../../netlink/rtnetlink/requests.ts";
import type { Neighbor, NeighborSpec } from "../../netlink/rtnetlink/neighbor.ts";
import type { RoutingExecutors } from "../../ports.ts";
import { onlyFields, Refusal, unmodelled, type Namespace } from "./state.ts";

const header = ["family", "index", "state", "flags", "kind"];
const neighborFields = new Set([...header, "destination", "linkAddress", "protocol"]);
const fdbFields = new Set([...neighborFields, "vlan", "vni", "port", "throughInterface"]);

export function neighborExecutors(ns: Namespace): RoutingExecutors<void>["neighbor"] {
  const set = (v: NeighborSpec, want: "new" | "known" | "either"): void => {
    onlyFields(v, neighborFields, "a neighbour");
    ns.link(v.index);
    const neighbor = wholeNeighbor(v);
    if (neighbor.state !== "permanent" && neighbor.state !== "noarp") throw unmodelled("neighbours that age");
    if (neighbor.flags.includes("proxy")) throw unmodelled("proxy neighbours");
    const at = ns.neighbors.findIndex((other) => sameNeighbor(other, neighbor));
    if (at >= 0 && want === "new") throw new Refusal("EEXIST");
    if (at < 0 && want === "known") throw new Refusal("ENOENT");
    if (neighbor.linkAddress === undefined) throw new Refusal("EINVAL", "No link layer address given");
    ns.neighbors[at < 0 ? ns.neighbors.length : at] = { ...neighbor, kind: "unicast" };
    ns.emit({ event: "new", object: "neighbor", value: neighbor });
  };
  return {
    add: (v) => set(v, "new"),
    replace: (v) => set(v, "either"),
    change: (v) => set(v, "known"),
    delete: (v) => {
      ns.link(v.index);
      const at = ns.neighbors.findIndex((other) => sameNeighbor(other, v));
      if (at < 0) throw new Refusal("ENOENT");
      const [gone] = ns.neighbors.splice(at, 1);
      ns.emit({ event: "delete", object: "neighbor", value: gone! });
    },
  };
}

function sameNeighbor(a: NeighborSpec, b: NeighborSpec): boolean {
  return a.index === b.index && a.destination === b.destination;
}

type Mode = "add" | "replace" | "append";

export function fdbExecutors(ns: Namespace): RoutingExecutors<void>["fdb"] {
  const set = (v: NeighborSpec, mode: Mode): void => {
    onlyFields(v, fdbFields, "a forwarding entry");
    const entry = wholeFdbEntry(v);
    if (entry.flags.includes("self")) setRemote(ns, entry, mode);
    else setPort(ns, entry, mode);
  };
  return {
    add: (v) => set(v, "add"),
    replace: (v) => set(v, "replace"),
    append: (v) => set(v, "append"),
    delete: (v) => deleteEntry(ns, wholeFdbEntry(v)),
  };
}

function store(ns: Namespace, entry: Neighbor): void {
  ns.fdb.push(entry);
  ns.emit({ event: "new", object: "fdb", value: entry });
}

/** An entry of a VXLAN device: one remote end, or several for what is flooded. */
function setRemote(ns: Namespace, entry: Neighbor, mode: Mode): void {
  checkVxlan(ns, entry);
  if (entry.destination === undefined) throw new Refusal("EINVAL");
  const known = ns.fdb.filter((other) => sameEntry(other, entry));
  if (known.length > 0 && mode === "add") throw new Refusal("EEXIST");
  const floods = isFlooded(entry.linkAddress);
  if (mode === "replace" && floods) throw new Refusal("EOPNOTSUPP", "Cannot replace non-unicast fdb entries");
  if (mode === "replace") ns.fdb = ns.fdb.filter((other) => !known.includes(other));
  const nothing = mode === "append" && known.length > 0 && (!floods || known.some((other) => sameRemote(other, entry)));
  if (!nothing) store(ns, entry);
}

/** An entry of a bridge: the port behind which an address is. */
function setPort(ns: Namespace, entry: Neighbor, mode: Mode): void {
  const master = masterOf(ns, entry);
  if (mode === "append") throw unmodelled("appending to a bridge's entry");
  const same = (other: Neighbor): boolean =>
    other.master === master && other.linkAddress === entry.linkAddress && other.vlan === entry.vlan;
  if (mode === "add" && ns.fdb.some(same)) throw new Refusal("EEXIST");
  ns.fdb = ns.fdb.filter((other) => !same(other));
  store(ns, { ...entry, flags: entry.flags.filter((flag) => flag !== "master"), master });
}

function deleteEntry(ns: Namespace, entry: Neighbor): void {
  if (entry.flags.includes("self")) checkVxlan(ns, entry);
  else masterOf(ns, entry);
  const gone = ns.fdb.filter(
    (other) => sameEntry(other, entry) && (entry.destination === undefined || sameRemote(other, entry)),
  );
  if (gone.length === 0) throw new Refusal("ENOENT");
  ns.fdb = ns.fdb.filter((other) => !gone.includes(other));
  for (const value of gone) ns.emit({ event: "delete", object: "fdb", value });
}

function checkVxlan(ns: Namespace, { index }: Neighbor): void {
  if (ns.link(index).value.info?.kind !== "vxlan") throw unmodelled("entries of other devices than VXLAN's");
}

function masterOf(ns: Namespace, { index }: Neighbor): number {
  const { master } = ns.link(index).value;
  if (master === undefined) throw new Refusal("EOPNOTSUPP");
  return master;
}

function sameEntry(a: Neighbor, b: Neighbor): boolean {
  return a.index === b.index && a.linkAddress === b.linkAddress && a.vlan === b.vlan;
}

function sameRemote(a: Neighbor, b: Neighbor): boolean {
  return a.destination === b.destination && a.vni === b.vni && a.port === b.port;
}

/** All zeros is VXLAN's entry for what it knows no other for; a group address has the lowest bit of its first byte set. */
function isFlooded(linkAddress = ""): boolean {
  return linkAddress === "00:00:00:00:00:00" || (Number.parseInt(linkAddress.slice(0, 2), 16) & 1) === 1;
}
