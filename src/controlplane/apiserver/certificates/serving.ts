/** Which certificates a cluster has, and what they say (kubeadm's certificates). */
import { networkInterfaces } from "node:os";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { FairleadError } from "../../../errors/catalogue.ts";
import type { Profile, SubjectNames } from "./x509.ts";

const clusterNames = [
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];

export interface ServingOptions {
  readonly hostname: string;
  readonly advertiseAddress: string | undefined;
  /** Ranges of Service addresses; the first address of each is the API's own Service. */
  readonly serviceCidrs: readonly string[];
  /** --tls-san: names and addresses. */
  readonly tlsSans: readonly string[];
}

/** The serving certificate: the names and addresses under which the API is reached. */
export function servingProfile(options: ServingOptions): Profile {
  return { commonName: "kube-apiserver", organizations: [], usage: "server", names: servingNames(options) };
}

function servingNames({ hostname, advertiseAddress, serviceCidrs, tlsSans }: ServingOptions): SubjectNames {
  const all = [
    ...clusterNames,
    "localhost",
    hostname.toLowerCase(),
    "127.0.0.1",
    "::1",
    ...serviceCidrs.map(firstAddress),
    ...(advertiseAddress === undefined ? [] : [advertiseAddress]),
    ...tlsSans,
  ];
  const unique = [...new Set(all.filter((name) => name !== ""))];
  return { dns: unique.filter((name) => isIP(name) === 0), ip: unique.filter((name) => isIP(name) !== 0) };
}

/** A client certificate. */
export function clientProfile(commonName: string, organizations: readonly string[]): Profile {
  return { commonName, organizations, usage: "client", names: { dns: [], ip: [] } };
}

/**
 * The first usable address of a range: 10.96.0.0/12 → 10.96.0.1.
 *
 * @throws FairleadError INVALID_ADDRESS_RANGE
 */
export function firstAddress(cidr: string): string {
  let bytes: number[];
  try {
    const [address, bits] = ipaddr.parseCIDR(cidr);
    bytes = address.toByteArray().map((byte, i) => byte & networkMask(bits - 8 * i));
  } catch (cause) {
    throw new FairleadError("INVALID_ADDRESS_RANGE", { subject: cidr, cause });
  }
  bytes[bytes.length - 1]! += 1;
  return ipaddr.fromByteArray(bytes).toString();
}

/** The part of one byte that `bits` leading bits leave to the network. */
function networkMask(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff;
}

/** The address that other machines reach this one by: the bound one, or the first that is not loopback. */
export function defaultAdvertiseAddress(bindAddress: string): string | undefined {
  if (isIP(bindAddress) !== 0 && ipaddr.parse(bindAddress).range() !== "unspecified") return bindAddress;
  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && ipaddr.parse(address).range() !== "linkLocal");
  return (outward.find(({ family }) => family === "IPv4") ?? outward[0])?.address;
}
