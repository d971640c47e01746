/** Fields of a pod as its containers may ask for them (pkg/fieldpath, pkg/api/v1/resource). */
import type { Pod } from "../../../model/kubernetes.ts";
import { parseQuantity } from "../../../model/quantity.ts";
import { allContainers, type ContainerSpec } from "../containers.ts";

export interface NodeFacts {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly podIps: readonly string[];
  /** What a container without limits may use, by resource. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** @throws Error with upstream's words */
export function fieldOf({ metadata, spec }: Pod, path: string, node: NodeFacts): string {
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (subscript) return metadata[subscript[1] as "labels" | "annotations"]?.[subscript[2]!] ?? "";
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid;
    case "metadata.labels":
      return mapText(metadata.labels);
    case "metadata.annotations":
      return mapText(metadata.annotations);
    case "spec.nodeName":
      return spec.nodeName ?? node.nodeName;
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.hostIP":
      return node.nodeIps[0] ?? "";
    case "status.hostIPs":
      return node.nodeIps.join(",");
    case "status.podIP":
      return node.podIps[0] ?? "";
    case "status.podIPs":
      return node.podIps.join(",");
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** `key="value"`, a line each, sorted. */
function mapText(map: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(map).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return lines.sort().join("\n");
}

interface ResourceRef {
  readonly containerName?: string;
  readonly resource: string;
  readonly divisor?: string;
}

/** A limit or request, in whole divisors, rounded up. @throws Error with upstream's words */
export function resourceOf(pod: Pod, own: ContainerSpec | undefined, ref: ResourceRef, node: NodeFacts): string {
  const container = ref.containerName
    ? allContainers(pod).find(({ spec }) => spec.name === ref.containerName)?.spec
    : own;
  if (!container) throw new Error(`container ${ref.containerName ?? ""} not found`);
  const [kind, ...rest] = ref.resource.split(".");
  const name = rest.join(".");
  if (kind !== "limits" && kind !== "requests") throw new Error(`unsupported container resource : ${ref.resource}`);
  const amount = container.resources?.[kind]?.[name] ?? (kind === "limits" ? node.allocatable[name] : undefined);
  const { nanos } = parseQuantity(amount ?? "0");
  const asked = ref.divisor === undefined || ref.divisor === "0" ? "1" : ref.divisor;
  const divisor = parseQuantity(asked).nanos;
  return String((nanos + divisor - 1n) / divisor);
}
