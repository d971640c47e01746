/** A pod's link as it should be: data that is kept as JSON, so that it can be compared and taken away later. */
import type { IpAddress, MacAddress } from "../../model/address.ts";
import type { IpFamily } from "../../model/service.ts";

export interface PodAddress {
  readonly family: IpFamily;
  readonly address: IpAddress;
  /** Of its subnet: what bridged pods have. Routed ones are hosts of their own. */
  readonly subnetLength: number;
  /** Of its subnet: what bridged pods go by. */
  readonly gateway: IpAddress;
}

export interface PodRoute {
  readonly destination: IpAddress;
  readonly prefixLength: number;
  /** Default: the pod's way out. Routed pods have no other. */
  readonly gateway?: IpAddress;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
}

/** Bits a second and bits; 0: no limit. */
export interface RateLimit {
  readonly rate: number;
  readonly burst: number;
}

export interface PodLink {
  readonly mode: "routed" | "bridge";
  /** Of the bridge; "" in mode routed. */
  readonly bridge: string;
  readonly hostLink: string;
  /** IFLA_IFALIAS of the node's end: who it is for, for those who look, and for a node whose notes are lost. */
  readonly alias: string;
  readonly ifName: string;
  readonly mac: MacAddress;
  readonly mtu: number;
  readonly addresses: readonly PodAddress[];
  readonly routes: readonly PodRoute[];
  /** What the pod receives. */
  readonly ingress: RateLimit;
  /** What the pod sends. */
  readonly egress: RateLimit;
}

export function familiesOf({ addresses }: Pick<PodLink, "addresses">): ReadonlySet<IpFamily> {
  return new Set(addresses.map(({ family }) => family));
}
