/** Names and amounts of resources: limits, requests, quotas (pkg/apis/core/helper, core/validation). */
import type { V1ResourceRequirements } from "@kubernetes/client-node";
import type { Causes } from "./causes.ts";
import type { Json } from "./json.ts";
import { dns1123Label, qualifiedName } from "./names.ts";
import { canonicalQuantity, millis, nanos } from "../../../model/quantity.ts";

export type ResourceList = Record<string, string>;

const containerResources: readonly string[] = ["cpu", "memory", "ephemeral-storage"];
const quotaResources: readonly string[] = [
  "cpu",
  "memory",
  "ephemeral-storage",
  "requests.cpu",
  "requests.memory",
  "requests.storage",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "persistentvolumeclaims",
  "configmaps",
  "services.nodeports",
  "services.loadbalancers",
];
const standardResources: readonly string[] = [...quotaResources, "storage"];
/** Counted in whole numbers. */
const integerResources: readonly string[] = [
  "pods",
  "services",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
];

export function isHugePages(name: string): boolean {
  return name.startsWith("hugepages-");
}

/** Of Kubernetes itself: without a domain, or of kubernetes.io. */
export function isNative(name: string): boolean {
  return !name.includes("/") || name.includes("kubernetes.io/");
}

export function isOvercommitAllowed(name: string): boolean {
  return isNative(name) && !isHugePages(name);
}

/** `example.com/gpu`: of another domain, and fit to be quoted as `requests.example.com/gpu`. */
export function isExtended(name: string): boolean {
  return !isNative(name) && !name.startsWith("requests.") && qualifiedName(`requests.${name}`).length === 0;
}

export function isStandardQuotaResource(name: string): boolean {
  return quotaResources.includes(name) || isHugePages(name) || name.startsWith("requests.hugepages-");
}

/** @returns whether it is well-formed */
export function validateResourceName(name: string, path: string, out: Causes): boolean {
  const messages = qualifiedName(name);
  out.invalidEach(path, name, messages);
  if (messages.length > 0) return false;
  if (name.includes("/") || standardResources.includes(name) || isStandardQuotaResource(name)) return true;
  out.invalid(path, name, "must be a standard resource type or fully qualified");
  return false;
}

export function validateContainerResourceName(name: string, path: string, out: Causes): void {
  validateResourceName(name, path, out);
  if (!name.includes("/")) {
    if (!containerResources.includes(name) && !isHugePages(name)) {
      out.invalid(path, name, "must be a standard resource for containers");
    }
  } else if (!isNative(name) && !isExtended(name)) {
    out.invalid(path, name, "doesn't follow extended resource name standard");
  }
}

function validatePodResourceName(name: string, path: string, out: Causes): void {
  if (!validateResourceName(name, path, out)) return;
  if (name !== "cpu" && name !== "memory" && !isHugePages(name)) out.notSupported(path, name, ["cpu", "memory"]);
}

export function validateQuotaResourceName(name: string, path: string, out: Causes): void {
  validateResourceName(name, path, out);
  if (!name.includes("/") && !isStandardQuotaResource(name))
    out.invalid(path, name, "must be a standard resource for quota");
}

/** Not negative, and whole where it is counted. */
export function validateAmount(name: string, amount: string, path: string, out: Causes): void {
  if (nanos(amount) < 0n) out.invalid(path, canonicalQuantity(amount), "must be greater than or equal to 0");
  if ((integerResources.includes(name) || isExtended(name)) && millis(amount) % 1000n !== 0n) {
    out.invalid(path, canonicalQuantity(amount), "must be an integer");
  }
}

type NameValidator = (name: string, path: string, out: Causes) => void;

/** A container's resources. @param claims names of the pod's resource claims */
export function validateContainerResources(
  requirements: Json<V1ResourceRequirements> | undefined,
  claims: ReadonlySet<string>,
  path: string,
  out: Causes,
): void {
  validateRequirements(requirements ?? {}, validateContainerResourceName, path, out);
  validateClaims(requirements?.claims ?? [], claims, `${path}.claims`, out);
}

/** A pod's resources (KEP-2837). */
export function validatePodResources(requirements: Json<V1ResourceRequirements>, path: string, out: Causes): void {
  if (requirements.claims) out.forbidden(`${path}.claims`, "claims cannot be set for Resources at pod-level");
  validateRequirements(requirements, validatePodResourceName, path, out);
}

function validateRequirements(
  { limits = {}, requests = {} }: Json<V1ResourceRequirements>,
  validateNameOf: NameValidator,
  path: string,
  out: Causes,
): void {
  for (const [name, amount] of Object.entries(limits)) {
    validateEntry(name, amount, `${path}.limits[${name}]`, validateNameOf, out);
  }
  for (const [name, amount] of Object.entries(requests)) {
    validateEntry(name, amount, `${path}.requests[${name}]`, validateNameOf, out);
    validateAgainstLimit(name, amount, limits[name], path, out);
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes("cpu") && !names.includes("memory")) {
    out.forbidden(path, "HugePages require cpu or memory");
  }
}

function validateEntry(name: string, amount: string, path: string, validateNameOf: NameValidator, out: Causes): void {
  validateNameOf(name, path, out);
  validateAmount(name, amount, path, out);
  if (isHugePages(name) && !isWholePages(name, amount)) {
    out.invalid(
      path,
      canonicalQuantity(amount),
      `${canonicalQuantity(amount)} is not positive integer multiple of ${name}`,
    );
  }
}

function isWholePages(name: string, amount: string): boolean {
  try {
    const page = nanos(name.slice("hugepages-".length));
    return page > 0n && nanos(amount) >= 0n && nanos(amount) % page === 0n;
  } catch {
    return false;
  }
}

function validateAgainstLimit(
  name: string,
  amount: string,
  limit: string | undefined,
  path: string,
  out: Causes,
): void {
  if (limit === undefined) {
    if (!isOvercommitAllowed(name))
      out.required(`${path}.limits`, "Limit must be set for non overcommitable resources");
    return;
  }
  const wanted = canonicalQuantity(amount);
  const most = canonicalQuantity(limit);
  if (nanos(amount) !== nanos(limit) && !isOvercommitAllowed(name)) {
    out.invalid(`${path}.requests`, wanted, `must be equal to ${name} limit of ${most}`);
  } else if (nanos(amount) > nanos(limit)) {
    out.invalid(`${path}.requests`, wanted, `must be less than or equal to ${name} limit of ${most}`);
  }
}

function validateClaims(
  uses: readonly { name?: string | undefined; request?: string | undefined }[],
  claims: ReadonlySet<string>,
  path: string,
  out: Causes,
): void {
  const seen = new Set<string>();
  for (const [i, { name, request }] of uses.entries()) {
    const at = `${path}[${i}]`;
    if (!name) {
      out.required(at);
      continue;
    }
    if (request) out.invalidEach(`${at}.request`, request, dns1123Label(request));
    const key = request ? `${name}/${request}` : name;
    const overlaps = !request && [...seen].some((other) => other.startsWith(`${name}/`));
    if (seen.has(name) || seen.has(key) || overlaps) out.duplicate(at, seen.has(name) ? name : key);
    seen.add(key);
    if (!claims.has(name)) {
      const known = claims.size === 0 ? " which is empty" : `: ${[...claims].sort().join(", ")}`;
      out.notFound(at, name, `must be one of the names in pod.spec.resourceClaims${known}`);
    }
  }
}
