import { noLinkHeader, type Link, type LinkSpec } from "../../netlink/rtnetlink/link.ts";
import type { LinkPeer } from "../../netlink/rtnetlink/link_kinds.ts";
import type { RoutingExecutors } from "../../ports.ts";
import { bringDown, bringUp, forgetLink } from "./lifecycle.ts";
import { isUp, onlyFields, Refusal, unmodelled, type FakeLink, type Namespace } from "./state.ts";

const plainFields = ["family", "hardwareType", "index", "flags", "change", "name", "mtu", "address", "group"];
const peerFields = new Set([...plainFields, "txQueueLength", "numTxQueues", "numRxQueues", "netnsFd"]);
const addFields = new Set([...peerFields, "master", "link", "info", "addressFamilies"]);
// The kernel forgets the alias that a new link is given, and does not say so.
const changeFields = new Set([...plainFields, "alias", "txQueueLength", "master", "info", "addressFamilies"]);

const kinds = new Set(["veth", "bridge", "vxlan", "dummy", "ifb", "wireguard", "macvlan", "ipvlan", "vlan"]);
const stackedKinds = new Set(["macvlan", "ipvlan", "vlan"]);

export function linkExecutors(ns: Namespace): RoutingExecutors<void>["link"] {
  return {
    add: (v) => addLink(ns, v),
    change: (v) => changeLink(ns, v),
    delete: (v) => deleteLinks(ns, v),
  };
}

/** The loopback, as every namespace is born with it: down. */
export function addLoopback(ns: Namespace): void {
  const value = { ...noLinkHeader, index: 1, name: "lo", mtu: 65536, address: "00:00:00:00:00:00" };
  ns.links.set(1, { value: { ...value, hardwareType: "loopback", flags: ["loopback"] } });
}

function addLink(ns: Namespace, v: LinkSpec): void {
  onlyFields(v, addFields, "a new link");
  if (v.netnsFd !== undefined) throw unmodelled("a link made in another namespace (its veth peer may be)");
  if (taken(ns, v)) throw new Refusal("EEXIST");
  if (v.addressFamilies) throw new Refusal("EAFNOSUPPORT");
  const kind = v.info?.kind;
  if (kind === undefined || !kinds.has(kind)) throw new Refusal("EOPNOTSUPP", "Unknown device type");
  checkKind(ns, v);
  if (v.master) checkMaster(ns, v.master, kind);
  const link = birth(ns, v, kind);
  if (v.info?.kind === "veth") addPeer(ns, link, v.info.peer);
  ns.links.set(link.value.index, link);
  if (v.master) link.value.master = v.master;
  setFlags(ns, link, v);
  tell(ns, link);
}

function taken(ns: Namespace, v: { index?: number; name?: string }): boolean {
  return (v.index ? ns.links.has(v.index) : false) || (v.name !== undefined && ns.named(v.name) !== undefined);
}

function checkKind(ns: Namespace, { info, link }: LinkSpec): void {
  const below = info?.kind === "vxlan" ? info.link : link;
  if (below) ns.link(below);
  if (info?.kind && stackedKinds.has(info.kind) && !below) throw new Refusal("EINVAL");
  if (info?.kind !== "vxlan") return;
  if (info.id === undefined && !info.collectMetadata) throw new Refusal("EINVAL");
  for (const { value } of ns.links.values()) {
    const other = value.info;
    if (other?.kind !== "vxlan" || isOverIpv6(other) !== isOverIpv6(info)) continue;
    if (other.id === info.id && other.port === (info.port ?? 8472)) {
      throw new Refusal("EEXIST", "A VXLAN device with the specified VNI already exists");
    }
  }
}

/** Each family has sockets of its own, and so VNIs of its own (vxlan_config_validate). */
function isOverIpv6({ local6, group6 }: { local6?: unknown; group6?: unknown }): boolean {
  return local6 !== undefined || group6 !== undefined;
}

function checkMaster(ns: Namespace, index: number, kind: string): void {
  const master = ns.links.get(index);
  if (!master) throw new Refusal("EINVAL");
  if (master.value.info?.kind !== "bridge") throw new Refusal("EOPNOTSUPP");
  if (kind === "bridge") throw new Refusal("ELOOP", "Can not enslave a bridge to a bridge");
}

function birth(ns: Namespace, v: LinkSpec | LinkPeer, kind: string): FakeLink {
  const index = v.index || ns.freeIndex();
  const { change: _change, netnsFd: _netnsFd, ...rest } = v as Partial<Link>;
  const info = { ...(v as LinkSpec).info, kind } as NonNullable<Link["info"]> & { peer?: unknown };
  delete info.peer;
  if (info.kind === "vxlan") Object.assign(info, { port: info.port ?? 8472, learning: info.learning ?? true });
  const defaults = { mtu: defaultMtu(ns, v), address: addressOf(ns, index), txQueueLength: 1000 };
  const name = v.name ?? freeName(ns, kind);
  const header = { ...noLinkHeader, hardwareType: "ether", flags: ["broadcast", "multicast"] } as const;
  return { value: structuredClone({ ...defaults, ...rest, ...header, index, name, info }) };
}

/** A link above another has what its headers leave of that one's MTU: VXLAN's are 50 bytes, 70 over IPv6. */
function defaultMtu(ns: Namespace, v: LinkSpec | LinkPeer): number {
  const info = (v as LinkSpec).info;
  const below = info?.kind === "vxlan" ? info.link : v.link;
  if (!below) return 1500;
  const mtu = ns.link(below).value.mtu ?? 1500;
  if (info?.kind !== "vxlan") return mtu;
  return mtu - (info.local6 !== undefined || info.group6 !== undefined ? 70 : 50);
}

function freeName(ns: Namespace, kind: string): string {
  for (let n = 0; ; n++) if (!ns.named(`${kind}${n}`)) return `${kind}${n}`;
}

/** The kernel's are random; these tell namespace and link. */
function addressOf(ns: Namespace, index: number): string {
  const bytes = [0x02, 0xfa, ns.fd >> 8, ns.fd, index >> 8, index];
  return bytes.map((byte) => (byte & 0xff).toString(16).padStart(2, "0")).join(":");
}

function addPeer(ns: Namespace, link: FakeLink, peer: LinkPeer | undefined): void {
  if (peer) onlyFields(peer, peerFields, "a veth peer");
  const home = peer?.netnsFd === undefined ? ns : ns.network.byFd(peer.netnsFd);
  if (!home) throw new Refusal("EINVAL");
  const wanted: LinkPeer = peer ?? noLinkHeader;
  if (taken(home, wanted) || (home === ns && wanted.name === link.value.name)) throw new Refusal("EEXIST");
  // The peer is registered and configured before the two ends know each other.
  if (wanted.flags.includes("up")) throw new Refusal("ENOTCONN");
  if (home === ns && !wanted.index) ns.links.set(link.value.index, link);
  const other = birth(home, wanted, "veth");
  other.peer = { namespace: ns, index: link.value.index };
  link.peer = { namespace: home, index: other.value.index };
  home.links.set(other.value.index, other);
  tell(home, other);
}

function find(ns: Namespace, { index, name }: LinkSpec): FakeLink {
  const link = index ? ns.links.get(index) : ns.named(name ?? "");
  if (!link) throw new Refusal("ENODEV");
  return link;
}

function changeLink(ns: Namespace, v: LinkSpec): void {
  onlyFields(v, changeFields, "a changed link");
  const link = find(ns, v);
  const { value } = link;
  if (v.name !== undefined && v.name !== value.name && ns.named(v.name)) throw new Refusal("EEXIST");
  if (v.master) checkMaster(ns, v.master, value.info?.kind ?? "");
  const { info, addressFamilies, master } = v;
  const slave = info?.slave;
  if (info?.kind !== undefined) throw unmodelled("a change of what a kind has of its own");
  if (slave && value.master === undefined) throw new Refusal("EINVAL");
  const fields = ["name", "mtu", "address", "alias", "group", "txQueueLength"] as const;
  for (const field of fields) if (v[field] !== undefined) Object.assign(value, { [field]: v[field] });
  if (addressFamilies) value.addressFamilies = { ...value.addressFamilies, ...addressFamilies };
  if (slave) value.info = { ...value.info, slave: { ...value.info?.slave, ...slave } };
  if (master !== undefined) setMaster(link, master);
  setFlags(ns, link, v);
  tell(ns, link);
}

function setMaster({ value }: FakeLink, master: number): void {
  if (value.info) delete (value.info as { slave?: unknown }).slave;
  if (master === 0) delete value.master;
  else value.master = master;
}

function setFlags(ns: Namespace, link: FakeLink, { flags = [], change = [] }: LinkSpec): void {
  if (flags.length === 0 && change.length === 0) return;
  const was = isUp(link);
  const kept = link.value.flags.filter((flag) => change.length > 0 && !change.includes(flag));
  link.value.flags = [...kept, ...flags.filter((flag) => change.length === 0 || change.includes(flag))];
  if (!was && isUp(link)) bringUp(ns, link);
  if (was && !isUp(link)) bringDown(ns, link);
}

function deleteLinks(ns: Namespace, v: LinkSpec): void {
  if (v.index || v.name !== undefined || !v.group) return deleteLink(ns, find(ns, v));
  const members = [...ns.links.values()].filter(({ value }) => value.group === v.group);
  if (members.length === 0) throw new Refusal("ENODEV");
  // One that takes another of them along has deleted it already.
  for (const link of members) if (ns.links.has(link.value.index)) deleteLink(ns, link);
}

function deleteLink(ns: Namespace, link: FakeLink): void {
  if (link.value.info?.kind === undefined) throw new Refusal("EOPNOTSUPP");
  const { peer } = link;
  const other = peer && { namespace: peer.namespace, link: peer.namespace.link(peer.index) };
  remove(ns, link);
  if (other) remove(other.namespace, other.link);
  orphan(ns, link.value.index);
  if (other) orphan(other.namespace, other.link.value.index);
}

/** Ports stay without their master; what stands on a link goes with it. */
function orphan(ns: Namespace, index: number): void {
  for (const other of [...ns.links.values()]) {
    if (other.value.master === index) setMaster(other, 0);
    const below = other.value.info?.kind === "vxlan" ? other.value.info.link : other.value.link;
    if (below === index) deleteLink(ns, other);
  }
}

function remove(ns: Namespace, link: FakeLink): void {
  const told = observed(link, ns);
  forgetLink(ns, link);
  ns.links.delete(link.value.index);
  ns.emit({ event: "delete", object: "link", value: told });
}

function tell(ns: Namespace, link: FakeLink): void {
  ns.emit({ event: "new", object: "link", value: observed(link, ns) });
}

/** The link with what follows from others: its peer, and whether packets can pass. */
export function observed(link: FakeLink, ns: Namespace): Link {
  const carrier = isUp(link) && hasCarrier(ns, link);
  const { peer, value } = link;
  const told = structuredClone(value);
  if (peer) told.link = peer.index;
  if (carrier) told.flags = [...told.flags, "running", "lowerUp"];
  const vague = value.hardwareType === "loopback" || !["veth", "bridge"].includes(value.info?.kind ?? "");
  const state = carrier ? (vague ? "unknown" : "up") : isUp(link) ? "lowerLayerDown" : "down";
  return { ...told, operState: state, carrier };
}

function hasCarrier(ns: Namespace, { value, peer }: FakeLink): boolean {
  if (peer) {
    const other = peer.namespace.links.get(peer.index);
    return other !== undefined && isUp(other);
  }
  if (value.info?.kind !== "bridge") return true;
  return [...ns.links.values()].some((port) => port.value.master === value.index && isUp(port) && hasCarrier(ns, port));
}
