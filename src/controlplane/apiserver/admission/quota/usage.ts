/** What an object counts for in a quota (pkg/quota/v1/evaluator/core). Pure; amounts in nanos. */
import type { ApiObject, Resource } from "../../resources/resource.ts";
import { nanos } from "../../../../model/quantity.ts";
import { podAmounts, type Amounts } from "../limits.ts";
import { specOf, type ResourceList } from "../pod_spec.ts";

const one = 1_000_000_000n;
type Kind = Pick<Resource, "group" | "plural">;

/** Resources of the core group that a quota may count by their plain names. */
const counted: readonly string[] = [
  "configmaps",
  "persistentvolumeclaims",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "services",
];
const compute: readonly string[] = ["cpu", "memory", "ephemeral-storage"];

/** What the object counts for; empty for none. */
export function usageOf(kind: Kind, object: ApiObject | undefined): Amounts {
  const usage: Amounts = new Map();
  if (!object) return usage;
  usage.set(`count/${kind.plural}${kind.group === "" ? "" : `.${kind.group}`}`, one);
  if (kind.group !== "") return usage;
  if (counted.includes(kind.plural)) usage.set(kind.plural, one);
  if (kind.plural === "pods") addPod(usage, object);
  if (kind.plural === "services") addService(usage, object);
  if (kind.plural === "persistentvolumeclaims") addClaim(usage, object);
  return usage;
}

/** A pod that has ended uses nothing any more, but counts as an object. */
export function hasEnded(pod: ApiObject): boolean {
  const phase = (pod["status"] as { phase?: string } | undefined)?.phase;
  return phase === "Succeeded" || phase === "Failed";
}

function addPod(usage: Amounts, pod: ApiObject): void {
  if (hasEnded(pod)) return;
  usage.set("pods", one);
  for (const [name, amount] of podAmounts(specOf(pod), "requests")) {
    if (compute.includes(name) || name.startsWith("hugepages-")) usage.set(name, amount);
    usage.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of podAmounts(specOf(pod), "limits")) {
    if (compute.includes(name)) usage.set(`limits.${name}`, amount);
  }
}

interface ServiceSpec {
  readonly type?: string;
  readonly ports?: readonly unknown[];
  readonly allocateLoadBalancerNodePorts?: boolean;
}

function addService(usage: Amounts, service: ApiObject): void {
  const { type, ports = [], allocateLoadBalancerNodePorts } = (service["spec"] ?? {}) as ServiceSpec;
  if (type === "LoadBalancer") usage.set("services.loadbalancers", one);
  const hasNodePorts = type === "NodePort" || (type === "LoadBalancer" && allocateLoadBalancerNodePorts !== false);
  if (hasNodePorts) usage.set("services.nodeports", one * BigInt(ports.length));
}

interface ClaimSpec {
  readonly storageClassName?: string;
  readonly resources?: { readonly requests?: ResourceList };
}

function addClaim(usage: Amounts, claim: ApiObject): void {
  const { storageClassName, resources } = (claim["spec"] ?? {}) as ClaimSpec;
  const storage = nanos(resources?.requests?.["storage"]);
  usage.set("requests.storage", storage);
  if (!storageClassName) return;
  usage.set(`${storageClassName}.storageclass.storage.k8s.io/requests.storage`, storage);
  usage.set(`${storageClassName}.storageclass.storage.k8s.io/persistentvolumeclaims`, one);
}

/** Where objects are kept that a quota's resource counts: "pods", "apps/deployments". */
export function countedKind(resource: string): Kind {
  const count = /^count\/([^.]+)(?:\.(.+))?$/.exec(resource);
  if (count) return { group: count[2] ?? "", plural: count[1]! };
  if (resource.includes("storageclass.storage.k8s.io/") || resource === "requests.storage") {
    return { group: "", plural: "persistentvolumeclaims" };
  }
  if (resource.startsWith("services.")) return { group: "", plural: "services" };
  return { group: "", plural: counted.includes(resource) ? resource : "pods" };
}

const required: readonly string[] = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

/** What containers of a pod must say because a quota counts it: `limits.cpu for: web`. */
export function missingSpecifications(pod: ApiObject, hard: readonly string[]): string[] {
  const spec = specOf(pod);
  const missing: string[] = [];
  for (const resource of hard.filter((name) => required.includes(name)).sort()) {
    const [part, name] = resource.startsWith("limits.")
      ? (["limits", resource.slice("limits.".length)] as const)
      : (["requests", resource.replace("requests.", "")] as const);
    if (spec.resources?.[part]?.[name] !== undefined) continue;
    const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
    const without = containers.filter((container) => container.resources?.[part]?.[name] === undefined);
    if (without.length > 0)
      missing.push(
        `${resource} for: ${without
          .map((c) => c.name)
          .sort()
          .join(",")}`,
      );
  }
  return missing;
}
