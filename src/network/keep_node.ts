/** What the agent keeps of Node objects: a node's status is large, and comes again every few seconds. */
import type { Node } from "../model/kubernetes.ts";
import { networkUnavailable } from "./available.ts";
import { annotation } from "./overlay/decode.ts";

const kept: ReadonlySet<string> = new Set([
  annotation.backendType,
  annotation.managed,
  ...[annotation.backendData, annotation.publicIp, annotation.publicIpOverwrite].flatMap(({ IPv4, IPv6 }) => [
    IPv4,
    IPv6,
  ]),
]);

export function keepNode({ metadata, spec, status }: Node): Node {
  const { name, uid, resourceVersion, creationTimestamp, annotations = {} } = metadata;
  const notes = Object.entries(annotations).filter(([note]) => kept.has(note));
  const { podCIDR, podCIDRs } = spec ?? {};
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, uid, resourceVersion, creationTimestamp, annotations: Object.fromEntries(notes) },
    spec: { ...(podCIDR === undefined ? {} : { podCIDR }), ...(podCIDRs === undefined ? {} : { podCIDRs }) },
    status: {
      addresses: status?.addresses ?? [],
      conditions: (status?.conditions ?? []).filter(({ type }) => type === networkUnavailable),
    },
  };
}
