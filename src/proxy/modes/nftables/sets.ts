/**
 * The table's sets and maps. What is looked up by address, protocol and port stands twice: for addresses of
 * Services, and for node ports, whose key has no address.
 */
import { setOf, type Datatype } from "../../../kernel/netlink/nftables/datatype.ts";
import type { NftSet } from "../../../kernel/netlink/nftables/state.ts";
import type { IpFamily } from "../../../model/service.ts";
import { backendBytes } from "../../derive/backends.ts";
import { header } from "./match.ts";

/** By which key a frontend is found: its address, protocol and port, or a node port's protocol and port. */
export type KeyForm = "address" | "nodePort";
/** Which of a frontend's backends: those of the cluster, or this node's alone. */
export type Scope = "cluster" | "local";

/**
 * Elements of a set, in short: key → value, one character a byte (render.ts, RenderedElement). Of a set with an index
 * in its key they are rows: frontend → what stands under its indexes, one after another ({@link rowBytes}).
 */
export type Elements = ReadonlyMap<string, string>;

export const setNames = {
  address: {
    /** frontend → what becomes of it */
    frontends: "frontends",
    /** Of policy Local, for pods and this node: frontend → fan-out over the cluster's backends. */
    inside: "inside-frontends",
    /** Of policy Local, for everybody else: frontend → fan-out over this node's backends. */
    outside: "outside-frontends",
    /** frontend and index → address and port */
    cluster: "endpoints",
    local: "local-endpoints",
    /** Of frontends with affinity: frontend and index → the backend's number */
    clusterAffine: "affine-endpoints",
    localAffine: "local-affine-endpoints",
    /** client and frontend → number of the backend that it had last, of either scope's */
    clusterAffinity: "affinity",
    localAffinity: "local-affinity",
  },
  nodePort: {
    frontends: "nodeports",
    inside: "inside-nodeports",
    outside: "outside-nodeports",
    cluster: "nodeport-endpoints",
    local: "local-nodeport-endpoints",
    clusterAffine: "affine-nodeport-endpoints",
    localAffine: "local-affine-nodeport-endpoints",
    clusterAffinity: "nodeport-affinity",
    localAffinity: "local-nodeport-affinity",
  },
  /** A number stands for a backend of one frontend, and for no other later: number → address and port. */
  numbered: "numbered-backends",
  /** Frontends that some sources alone may reach: what becomes of those; and which they are. */
  restricted: "restricted",
  sourceRanges: "source-ranges",
  clusterIps: "cluster-ips",
  nodePortAddresses: "nodeport-addresses",
  /** This node's backends that may be their own clients: address . address. */
  hairpins: "hairpins",
} as const;

const byIndex = [setNames.address, setNames.nodePort];
const backendSets: ReadonlySet<string> = new Set(byIndex.flatMap(({ cluster, local }) => [cluster, local]));
const numberSets: ReadonlySet<string> = new Set(
  byIndex.flatMap(({ clusterAffine, localAffine }) => [clusterAffine, localAffine]),
);
const numberBytes = 4;

/** Of a set whose key ends with an index: bytes that each index gives. @returns undefined for the other sets */
export function rowBytes(family: IpFamily, set: string): number | undefined {
  if (backendSets.has(set)) return backendBytes(family);
  return numberSets.has(set) ? numberBytes : undefined;
}

/** Registers that a frontend's key takes. */
export function keyRegisters(family: IpFamily, form: KeyForm): number {
  return form === "address" ? header[family].registers + 2 : 2;
}

/** Clients that affinity remembers at most; a kernel's set must have a bound to take elements from packets. */
const maxAffine = 1 << 20;

/** A backend's place, or its number. `integer` has no length of its own, and nft (1.0.6) aborts where it lists such a concatenation. */
const index: Datatype = "mark";

/** All sets of a family's table. */
export function setsOf(family: IpFamily): readonly NftSet[] {
  const address: Datatype = family === "IPv4" ? "ipv4_addr" : "ipv6_addr";
  const frontend = {
    address: [address, "inet_proto", "inet_service"],
    nodePort: ["inet_proto", "inet_service"],
  } as const;
  const backend = [address, "inet_service"] as const;
  const counted = { expressions: [{ expr: "counter" }] } as const;
  const byForm = (["address", "nodePort"] as const).flatMap((form): NftSet[] => {
    const key = frontend[form];
    const names = setNames[form];
    const affine = setOf([address, ...key], [index]);
    const learned = { ...affine, flags: [...(affine.flags ?? []), "timeout", "eval"], size: maxAffine } as const;
    return [
      { name: names.frontends, ...setOf(key, "verdict"), ...counted },
      { name: names.inside, ...setOf(key, "verdict") },
      { name: names.outside, ...setOf(key, "verdict") },
      { name: names.cluster, ...setOf([...key, index], backend) },
      { name: names.local, ...setOf([...key, index], backend) },
      { name: names.clusterAffinity, ...learned },
      { name: names.localAffinity, ...learned },
      { name: names.clusterAffine, ...setOf([...key, index], [index]) },
      { name: names.localAffine, ...setOf([...key, index], [index]) },
    ];
  });
  return [
    ...byForm,
    { name: setNames.numbered, ...setOf([index], backend) },
    { name: setNames.restricted, ...setOf(frontend.address, "verdict"), ...counted },
    { name: setNames.sourceRanges, ...setOf([...frontend.address, address], undefined, { interval: true }) },
    { name: setNames.clusterIps, ...setOf([address]) },
    { name: setNames.nodePortAddresses, ...setOf([address]) },
    { name: setNames.hairpins, ...setOf([address, address]) },
  ];
}
