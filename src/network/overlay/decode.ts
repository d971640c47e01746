/**
 * Node objects → what they say of the node's network, in flannel's annotations and in Kubernetes' own fields. Others
 * write Node objects: what is not as it should be is as if it lacked.
 */
import { macBytes, macText, parseIp, type IpAddress } from "../../model/address.ts";
import { familyOfIp, parseCidr, type Cidr } from "../../model/cidr.ts";
import type { Node } from "../../model/kubernetes.ts";
import type { IpFamily } from "../../model/service.ts";
import { families, type NetworkNode, type PerFamily, type VtepData } from "./state.ts";

/** flannel, pkg/subnet/kube/annotations.go, with its default prefix. */
export const annotation = {
  backendType: "flannel.alpha.coreos.com/backend-type",
  backendData: { IPv4: "flannel.alpha.coreos.com/backend-data", IPv6: "flannel.alpha.coreos.com/backend-v6-data" },
  publicIp: { IPv4: "flannel.alpha.coreos.com/public-ip", IPv6: "flannel.alpha.coreos.com/public-ipv6" },
  publicIpOverwrite: {
    IPv4: "flannel.alpha.coreos.com/public-ip-overwrite",
    IPv6: "flannel.alpha.coreos.com/public-ipv6-overwrite",
  },
  managed: "flannel.alpha.coreos.com/kube-subnet-manager",
} as const;

export function decodeNode(node: Node): NetworkNode {
  const notes = node.metadata.annotations ?? {};
  const internalIps = internalIpsOf(node);
  return {
    name: node.metadata.name,
    podCidrs: podCidrsOf(node),
    addresses: { ...internalIps, ...perFamily((family) => ipOf(notes[annotation.publicIp[family]], family)) },
    internalIps,
    publicIpOverwrites: perFamily((family) => ipOf(notes[annotation.publicIpOverwrite[family]], family)),
    backend: notes[annotation.backendType],
    vteps: perFamily((family) => vtepOf(notes[annotation.backendData[family]])),
  };
}

export function perFamily<T>(make: (family: IpFamily) => T | undefined): PerFamily<T> {
  const made = families.map((family) => [family, make(family)] as const);
  return Object.fromEntries(made.filter(([, value]) => value !== undefined));
}

/** The first of each family: a node has no more (core validation). */
function podCidrsOf({ spec }: Node): PerFamily<Cidr> {
  const texts = spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
  const cidrs = texts.map((text) => parseCidr(text));
  return perFamily((family) => cidrs.find((cidr) => cidr?.family === family));
}

function internalIpsOf({ status }: Node): PerFamily<IpAddress> {
  const ips = (status?.addresses ?? [])
    .filter(({ type }) => type === "InternalIP")
    .map(({ address }) => parseIp(address));
  return perFamily((family) => ips.find((ip) => ip !== undefined && familyOfIp(ip) === family));
}

function ipOf(text: string | undefined, family: IpFamily): IpAddress | undefined {
  const ip = text === undefined ? undefined : parseIp(text);
  return ip !== undefined && familyOfIp(ip) === family ? ip : undefined;
}

function vtepOf(text: string | undefined): VtepData | undefined {
  if (text === undefined) return undefined;
  const { VNI: vni, VtepMAC: mac } = fieldsOf(text);
  const bytes = typeof mac === "string" ? macBytes(mac) : undefined;
  // A group's address, or none at all, is no device's own (IEEE 802, the I/G bit).
  if (!bytes || (bytes[0]! & 1) === 1 || bytes.every((byte) => byte === 0)) return undefined;
  if (typeof vni !== "number" || !Number.isInteger(vni) || vni < 0 || vni >= 2 ** 24) return undefined;
  return { vni, mac: macText(bytes)! };
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
