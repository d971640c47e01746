/** A name and the cluster's index → what there is of it. A function of its arguments. */
import { ipText, parseIp } from "../model/address.ts";
import type { ClusterIndex } from "./records/cluster_index.ts";
import { RecordSet } from "./records/record_set.ts";

export type Verdict =
  /** The name is there, whatever it has. */
  | { readonly kind: "found"; readonly set: RecordSet }
  | { readonly kind: "none" }
  /** Not of this cluster: another server knows. */
  | { readonly kind: "elsewhere" };

/** The specification that is served (Kubernetes DNS specification, 2.2). */
export const specificationVersion = "1.1.0";

const none: Verdict = { kind: "none" };
const elsewhere: Verdict = { kind: "elsewhere" };

/** @param name lower-case, without the last dot */
export function answer(name: string, index: ClusterIndex): Verdict {
  const { zone } = index;
  if (name === zone) return found({ ns: `ns.dns.${zone}` });
  if (!name.endsWith(zone) || name[name.length - zone.length - 1] !== ".") return reverse(name, index);
  const labels = name.slice(0, -zone.length - 1).split(".");
  switch (labels.at(-1)) {
    case "svc":
      return ofService(labels, index);
    case "pod":
      return ofPod(labels, index);
    case "dns-version":
      return labels.length === 1 ? found({ txt: specificationVersion }) : none;
    case "dns":
      return ofServer(labels, index);
    default:
      return none;
  }
}

function found(single: ConstructorParameters<typeof RecordSet>[0]): Verdict {
  return { kind: "found", set: new RecordSet(single) };
}

/** "[what is below it.]service.namespace.svc" */
function ofService(labels: readonly string[], index: ClusterIndex): Verdict {
  if (labels.length <= 2) return ofNamespace(labels, index);
  const service = labels.at(-3)!;
  const prefix = labels.length === 3 ? "" : labels.slice(0, -3).join(".");
  const set = index.records(labels.at(-2)!, service)?.get(prefix);
  return set ? { kind: "found", set } : none;
}

/** "svc", "namespace.svc": nothing of their own, but there is something below them (RFC 8020). */
function ofNamespace(labels: readonly string[], index: ClusterIndex): Verdict {
  return labels.length === 1 || index.hasNamespace(labels[0]!) ? found({}) : none;
}

/** "10-244-0-7.namespace.pod": by the name alone, as CoreDNS's `pods insecure`, which kubeadm sets. */
function ofPod(labels: readonly string[], index: ClusterIndex): Verdict {
  if (labels.length <= 2) return ofNamespace(labels, index);
  if (labels.length > 3 || !index.hasNamespace(labels[1]!)) return none;
  const dashed = labels[0]!;
  const isIpv4 = /^\d+-\d+-\d+-\d+$/.test(dashed);
  const ip = parseIp(dashed.replaceAll("-", isIpv4 ? "." : ":"));
  return ip === undefined ? none : found({ addresses: [ip] });
}

/** "ns.dns": the name that SOA and NS give, which has the address of the DNS Service. */
function ofServer(labels: readonly string[], index: ClusterIndex): Verdict {
  if (labels.length === 1) return found({});
  if (labels.length > 2 || labels[0] !== "ns") return none;
  return found({ addresses: index.service("kube-system", "kube-dns")?.clusterIps ?? [] });
}

function reverse(name: string, index: ClusterIndex): Verdict {
  if (!name.endsWith(".arpa")) return elsewhere;
  const ip = reversedIp(name);
  const names = ip === undefined ? [] : index.namesOf(ip);
  return names.length === 0 ? elsewhere : found({ ptr: names });
}

/** "4.3.2.1.in-addr.arpa", or 32 nibbles below ip6.arpa (RFC 1035, 3.5; RFC 3596, 2.5). */
function reversedIp(name: string): string | undefined {
  if (name.endsWith(".in-addr.arpa")) {
    return parseIp(name.slice(0, -".in-addr.arpa".length).split(".").reverse().join("."));
  }
  if (!name.endsWith(".ip6.arpa")) return undefined;
  const hex = name.slice(0, -".ip6.arpa".length).split(".").reverse().join("");
  return /^[0-9a-f]{32}$/.test(hex) && name.length === 72 ? ipText(Buffer.from(hex, "hex")) : undefined;
}
