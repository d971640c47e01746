/** The overlay's nouns: what is known of nodes and of this one's links, and what the kernel shall hold for it. */
import type { IpAddress, MacAddress } from "../../model/address.ts";
import type { Cidr } from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";

export const families: readonly IpFamily[] = ["IPv4", "IPv6"];

export type PerFamily<T> = { readonly [F in IpFamily]?: T };

/** How packets reach other nodes' pods; `auto`: host-gw where the other node is on one link with this one. */
export type OverlayMode = "vxlan" | "host-gw" | "auto";

export interface OverlayOptions {
  readonly mode: OverlayMode;
  /** 24 bits. */
  readonly vni: number;
  /** UDP. */
  readonly port: number;
  /** VTEPs are called by it: `<linkName>.<vni>` and `<linkName>-v6.<vni>`, as flannel's. */
  readonly linkName: string;
  /** Whether VTEPs leave transport checksums to what is below; undefined: as the kernel makes them. */
  readonly checksumOffload?: boolean;
  /** This node's own addresses, where its Node object's are not the right ones. */
  readonly nodeIps: PerFamily<IpAddress>;
}

/** What its Node object says of a node's network. */
export interface NetworkNode {
  readonly name: string;
  readonly podCidrs: PerFamily<Cidr>;
  /** Where other nodes reach it: flannel's public-ip, else its InternalIP. */
  readonly addresses: PerFamily<IpAddress>;
  /** status.addresses alone. */
  readonly internalIps: PerFamily<IpAddress>;
  readonly publicIpOverwrites: PerFamily<IpAddress>;
  /** Flannel's backend-type. */
  readonly backend: string | undefined;
  readonly vteps: PerFamily<VtepData>;
}

/** Flannel's backend-data. */
export interface VtepData {
  readonly vni: number;
  readonly mac: MacAddress;
}

/** The link that has the node's own address of a family. */
export interface Underlay {
  readonly index: number;
  readonly device: string;
  readonly mtu: number;
  readonly address: IpAddress;
  /** Ranges whose addresses are on the link. */
  readonly onLink: readonly Cidr[];
}

/** A VXLAN device: the tunnel's end on this node. */
export interface VtepLink {
  readonly family: IpFamily;
  readonly name: string;
  readonly vni: number;
  readonly port: number;
  readonly mac: MacAddress;
  readonly mtu: number;
  /** Index of the link below. */
  readonly below: number;
  readonly local: IpAddress;
}

export interface AddressEntry {
  readonly kind: "address";
  readonly family: IpFamily;
  readonly device: string;
  readonly address: IpAddress;
  readonly prefix: number;
}

export interface RouteEntry {
  readonly kind: "route";
  readonly family: IpFamily;
  /** A CIDR. */
  readonly destination: string;
  /** Absent: unreachable. */
  readonly device?: string;
  readonly gateway?: IpAddress;
  readonly onlink?: true;
}

export interface NeighborEntry {
  readonly kind: "neighbor";
  readonly family: IpFamily;
  readonly device: string;
  readonly address: IpAddress;
  readonly mac: MacAddress;
}

/** Behind which node a VTEP's MAC address is. */
export interface FdbEntry {
  readonly kind: "fdb";
  readonly device: string;
  readonly mac: MacAddress;
  readonly address: IpAddress;
}

export type Entry = AddressEntry | RouteEntry | NeighborEntry | FdbEntry;

/** What the kernel has one of: names an entry whatever it says. */
export function keyOf(entry: Entry): string {
  switch (entry.kind) {
    case "address":
      return `address ${entry.device} ${entry.address}`;
    case "route":
      return `route ${entry.destination}${entry.device === undefined ? " unreachable" : ""}`;
    case "neighbor":
      return `neighbor ${entry.device} ${entry.address}`;
    case "fdb":
      return `fdb ${entry.device} ${entry.mac}`;
  }
}

const fields = ["device", "destination", "gateway", "onlink", "address", "prefix", "mac"] as const;
type Fields = Partial<Record<(typeof fields)[number], unknown>>;

/** @param a entry of the same key as b */
export function sameEntry(a: Entry, b: Entry): boolean {
  return a === b || fields.every((field) => (a as Fields)[field] === (b as Fields)[field]);
}
