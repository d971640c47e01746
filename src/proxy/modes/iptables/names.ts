/** kube-proxy's names of chains (pkg/proxy/iptables), so that who knows its rules finds theirs. */
import { hash as digest } from "node:crypto";
import type { Protocol } from "../../../model/service.ts";
import { commonNames } from "../shared/iptables_chains.ts";

export const chainNames = {
  ...commonNames,
  externalServices: "KUBE-EXTERNAL-SERVICES",
  nodePorts: "KUBE-NODEPORTS",
  /** The kubelet's too: both write the same rule into it. */
  firewall: "KUBE-FIREWALL",
} as const;

/** Of a service port: policy Cluster, policy Local, external addresses, source ranges. */
export type PortChain = "SVC" | "SVL" | "EXT" | "FW";

/** @param service "namespace/name:port" */
export function portChain(kind: PortChain, service: string, protocol: Protocol): string {
  return `KUBE-${kind}-${hash(service + protocol.toLowerCase())}`;
}

/** @param endpoint "10.0.0.1:80", "[fd00::1]:80" */
export function endpointChain(service: string, protocol: Protocol, endpoint: string): string {
  return `KUBE-SEP-${hash(service + protocol.toLowerCase() + endpoint)}`;
}

/** Chains of service ports, of any kube-proxy: those that nobody wants are removed. */
export function isPortChain(name: string): boolean {
  return /^KUBE-(SVC|SVL|EXT|FW|SEP|XLB)-/.test(name);
}

/** A chain's name may have 28 bytes: 16 characters of base32 (RFC 4648 §6) are 80 bits. */
function hash(text: string): string {
  // In one call, and as text: of 50,000 endpoints names are a third of what a load takes us otherwise.
  return base32(digest("sha256", text, "binary").slice(0, 10));
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** @param bytes a character each, of a number that five divides: nothing is padded */
function base32(bytes: string): string {
  let [text, bits, count] = ["", 0, 0];
  for (let i = 0; i < bytes.length; i++) {
    bits = ((bits & 31) << 8) | bytes.charCodeAt(i);
    count += 8;
    for (; count >= 5; count -= 5) text += alphabet.charAt((bits >>> (count - 5)) & 31);
  }
  return text;
}
