/** Nodes that answer for cluster DNS → the endpoints of the Service kube-dns. Pure. */
import type { EndpointSlice, New, Node } from "../../../model/kubernetes.ts";

/** A node's agent says by it at which port of the node's addresses it answers (`fairlead node --dns-port`). */
export const dnsPortLabel = "fairlead.io/dns-port";
export const dnsService = { namespace: "kube-system", name: "kube-dns" } as const;

export type NodeDnsStep =
  | { readonly type: "create"; readonly object: New<EndpointSlice> }
  | { readonly type: "update"; readonly object: EndpointSlice }
  | { readonly type: "delete"; readonly name: string };

const ports = { dns: "UDP", "dns-tcp": "TCP" } as const;

export function sliceName(nodeName: string): string {
  return `${dnsService.name}-${nodeName}`;
}

/** A slice for each node, which goes with the node. @param node undefined: it is gone */
export function planNodeDns(
  nodeName: string,
  node: Node | undefined,
  found: EndpointSlice | undefined,
): NodeDnsStep | undefined {
  const wanted = node && sliceOf(node);
  if (!wanted) return found && { type: "delete", name: sliceName(nodeName) };
  if (!found) return { type: "create", object: wanted };
  // The kind of its addresses never changes (discovery/validation): another slice then.
  if (found.addressType !== wanted.addressType) return { type: "delete", name: found.metadata.name };
  const [before, after] = [found, wanted].map(({ endpoints, ports }) =>
    JSON.stringify([summary(endpoints), ports?.map((port) => [port.name, port.port])]),
  );
  if (before === after) return undefined;
  return { type: "update", object: { ...found, endpoints: wanted.endpoints, ports: wanted.ports ?? [] } };
}

function sliceOf(node: Node): New<EndpointSlice> | undefined {
  const { name, uid, labels = {} } = node.metadata;
  const port = Number(labels[dnsPortLabel]);
  const address = node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
  if (!Number.isInteger(port) || port < 1 || port > 65_535 || address === undefined) return undefined;
  const ready = node.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
  return {
    metadata: {
      namespace: dnsService.namespace,
      name: sliceName(name),
      labels: {
        "kubernetes.io/service-name": dnsService.name,
        "endpointslice.kubernetes.io/managed-by": "node-dns-controller.fairlead.io",
      },
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid: uid ?? "" }],
    },
    addressType: address.includes(":") ? "IPv6" : "IPv4",
    endpoints: [{ addresses: [address], nodeName: name, conditions: { ready } }],
    ports: Object.entries(ports).map(([portName, protocol]) => ({ name: portName, protocol, port })),
  };
}

function summary(endpoints: EndpointSlice["endpoints"]): unknown {
  return (endpoints ?? []).map(({ addresses, conditions }) => [addresses, conditions?.ready]);
}
