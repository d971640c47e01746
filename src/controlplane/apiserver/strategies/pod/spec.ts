/** The spec of a pod, and of the templates that controllers make pods of (core/validation, ValidatePodSpec). */
import type { V1HostAlias, V1PodResourceClaim } from "@kubernetes/client-node";
import type { Causes } from "../../validation/causes.ts";
import { validateOptionalName } from "../../validation/common.ts";
import { validateIp } from "../../validation/ip.ts";
import type { Json } from "../../validation/json.ts";
import { validateAnnotations, validateLabels, type Labels } from "../../validation/labels.ts";
import {
  dns1123Label,
  dns1123Subdomain,
  dns1123SubdomainWithUnderscore,
  inRange,
  qualifiedName,
} from "../../validation/names.ts";
import { canonicalQuantity, nanos } from "../../../../model/quantity.ts";
import { validateContainerResources, validatePodResources } from "../../validation/resources.ts";
import { validateContainers } from "./containers.ts";
import type { PodSpec, PodTemplate } from "./model.ts";
import { containerRequests } from "./pod_level_resources.ts";
import { validateAffinity, validateGates, validateSpread, validateTolerations } from "./scheduling.ts";
import { validatePodSecurity } from "./security.ts";
import { validateVolumes, type VolumeContext } from "./volumes.ts";
import { validateHostProcess, validateOs } from "./windows.ts";

export const maxInt32 = 2 ** 31 - 1;

export function validatePodSpec(spec: PodSpec, context: VolumeContext, path: string, out: Causes): void {
  if (spec.terminationGracePeriodSeconds === undefined) out.required(`${path}.terminationGracePeriodSeconds`);
  const volumes = validateVolumes(spec.volumes ?? [], context, `${path}.volumes`, out);
  const claims = new Set((spec.resourceClaims ?? []).flatMap(({ name }) => (name ? [name] : [])));
  validateResourceClaims(spec.resourceClaims ?? [], `${path}.resourceClaims`, out);
  const { restartPolicy } = spec;
  validateContainers(spec, { volumes, claims, hasHostUsers: spec.hostUsers !== false, restartPolicy }, path, out);
  if (spec.resources) validateResourcesOfAll(spec, `${path}.resources`, out);
  validateHostNetwork(spec, context.isPod, path, out);
  out.enum(`${path}.restartPolicy`, restartPolicy, ["Always", "OnFailure", "Never"]);
  out.enum(`${path}.dnsPolicy`, spec.dnsPolicy, ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]);
  validateLabels(spec.nodeSelector, `${path}.nodeSelector`, out);
  validatePodSecurity(spec, path, out);
  if (spec.affinity) validateAffinity(spec.affinity, `${path}.affinity`, out);
  validateDns(spec, `${path}.dnsConfig`, out);
  for (const [i, { conditionType = "" }] of (spec.readinessGates ?? []).entries()) {
    out.invalidEach(`${path}.readinessGates[${i}].conditionType`, conditionType, qualifiedName(conditionType));
  }
  validateGates(spec.schedulingGates ?? [], `${path}.schedulingGates`, out);
  validateSpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`, out);
  validateHostProcess(spec, path, out);
  validateHostUsers(spec, path, out);
  validateReferences(spec, path, out);
  validateTolerations(spec.tolerations ?? [], `${path}.tolerations`, out);
  validateHostAliases(spec.hostAliases ?? [], `${path}.hostAliases`, out);
  if (spec.overhead) validateContainerResources({ limits: spec.overhead }, claims, `${path}.overhead`, out);
  validateOs(spec, path, out);
}

/** Names and numbers that stand alone. */
function validateReferences(spec: PodSpec, path: string, out: Causes): void {
  const { activeDeadlineSeconds: deadline, preemptionPolicy, runtimeClassName } = spec;
  validateOptionalName(spec.serviceAccountName, `${path}.serviceAccountName`, dns1123Subdomain, out);
  validateOptionalName(spec.nodeName, `${path}.nodeName`, dns1123Subdomain, out);
  if (deadline !== undefined && (deadline < 1 || deadline > maxInt32)) {
    out.invalid(`${path}.activeDeadlineSeconds`, deadline, inRange(1, maxInt32));
  }
  validateOptionalName(spec.hostname, `${path}.hostname`, dns1123Label, out);
  validateOptionalName(spec.subdomain, `${path}.subdomain`, dns1123Label, out);
  validateOptionalName(spec.priorityClassName, `${path}.priorityClassName`, dns1123Subdomain, out);
  if (runtimeClassName !== undefined) {
    out.invalidEach(`${path}.runtimeClassName`, runtimeClassName, dns1123Subdomain(runtimeClassName));
  }
  if (preemptionPolicy !== undefined) {
    out.enum(`${path}.preemptionPolicy`, preemptionPolicy, ["PreemptLowerPriority", "Never"]);
  }
}

function validateResourceClaims(claims: readonly Json<V1PodResourceClaim>[], path: string, out: Causes): void {
  const seen = new Set<string>();
  for (const [i, claim] of claims.entries()) {
    const at = `${path}[${i}]`;
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (!name) out.required(`${at}.name`);
    else if (seen.has(name)) out.duplicate(`${at}.name`, name);
    else out.invalidEach(`${at}.name`, name, dns1123Label(name));
    seen.add(name ?? "");
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      out.invalid(at, claim, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      out.invalid(at, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
    }
    for (const field of ["resourceClaimName", "resourceClaimTemplateName"] as const) {
      const reference = claim[field];
      if (reference !== undefined) out.invalidEach(`${at}.${field}`, reference, dns1123Subdomain(reference));
    }
  }
}

/** Of the pod as a whole: no less than its containers need, no container above it. */
function validateResourcesOfAll(spec: PodSpec, path: string, out: Causes): void {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  validatePodResources(spec.resources ?? {}, path, out);
  for (const [name, needed] of Object.entries(containerRequests(spec))) {
    if (nanos(needed) <= nanos(requests[name])) continue;
    const words = `must be greater than or equal to aggregate container requests of ${needed}`;
    out.invalid(`${path}.requests[${name}]`, canonicalQuantity(requests[name] ?? "0"), words);
  }
  for (const [i, { resources }] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of Object.entries(resources?.limits ?? {})) {
      if (limits[name] === undefined || nanos(limit) <= nanos(limits[name])) continue;
      const words = `must be less than or equal to pod limits of ${canonicalQuantity(limits[name])}`;
      out.invalid(`${path}.containers[${i}][${name}].limits`, canonicalQuantity(limit), words);
    }
  }
}

function validateHostNetwork(spec: PodSpec, isPod: boolean, path: string, out: Causes): void {
  if (!spec.hostNetwork) return;
  for (const [i, { ports = [] }] of (spec.containers ?? []).entries()) {
    for (const [j, { hostPort = 0, containerPort }] of ports.entries()) {
      if ((!isPod && hostPort === 0) || hostPort === containerPort) continue;
      const at = `${path}.containers[${i}].ports[${j}].hostPort`;
      out.invalid(at, hostPort, "must match `containerPort` when `hostNetwork` is true");
    }
  }
}

function validateHostUsers(spec: PodSpec, path: string, out: Causes): void {
  if (spec.hostUsers !== false) return;
  const words = "when `pod.Spec.HostUsers` is false";
  // Upstream's own spelling of the last two.
  if (spec.hostNetwork) out.forbidden(`${path}.hostNetwork`, words);
  if (spec.hostPID) out.forbidden(`${path}.HostPID`, words);
  if (spec.hostIPC) out.forbidden(`${path}.HostIPC`, words);
}

/** Limits of libc's resolver. */
const maxNameservers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;

function validateDns({ dnsConfig, dnsPolicy }: PodSpec, path: string, out: Causes): void {
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  if (dnsPolicy === "None") {
    if (!dnsConfig) return out.required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
    if (nameservers.length === 0) {
      const words = "must provide at least one DNS nameserver when `dnsPolicy` is None";
      return out.required(`${path}.nameservers`, words);
    }
  }
  if (nameservers.length > maxNameservers) {
    out.invalid(`${path}.nameservers`, nameservers, `must not have more than ${maxNameservers} nameservers`);
  }
  for (const [i, server] of nameservers.entries()) validateIp(server, `${path}.nameservers[${i}]`, out);
  if (searches.length > maxSearches) {
    out.invalid(`${path}.searches`, searches, `must not have more than ${maxSearches} search paths`);
  }
  if (searches.join(" ").length > maxSearchCharacters) {
    const words = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`;
    out.invalid(`${path}.searches`, searches, words);
  }
  for (const [i, search] of searches.entries()) {
    if (search === ".") continue;
    const name = search.replace(/\.$/, "");
    out.invalidEach(`${path}.searches[${i}]`, name, dns1123SubdomainWithUnderscore(name));
  }
  for (const [i, { name }] of options.entries()) if (!name) out.required(`${path}.options[${i}]`, "must not be empty");
}

function validateHostAliases(aliases: readonly Json<V1HostAlias>[], path: string, out: Causes): void {
  for (const [i, { ip, hostnames = [] }] of aliases.entries()) {
    validateIp(ip, `${path}[${i}].ip`, out);
    for (const [j, name] of hostnames.entries()) {
      out.invalidEach(`${path}[${i}].hostnames[${j}]`, name, dns1123Subdomain(name));
    }
  }
}

const deletionCost = "controller.kubernetes.io/pod-deletion-cost";
export const mirrorAnnotation = "kubernetes.io/config.mirror";

/** Annotations that mean something to a pod. */
export function validatePodAnnotations(
  annotations: Labels | undefined,
  spec: PodSpec,
  path: string,
  out: Causes,
): void {
  const mirror = annotations?.[mirrorAnnotation];
  if (mirror !== undefined && !spec.nodeName) {
    out.invalid(`${path}[${mirrorAnnotation}]`, mirror, "must set spec.nodeName if mirror pod annotation is set");
  }
  const cost = annotations?.[deletionCost];
  // Nor a plus nor a leading zero: controllers parse it themselves.
  const isNumber = cost === undefined || (/^(0|-?[1-9]\d*)$/.test(cost) && Math.abs(Number(cost)) <= maxInt32);
  if (!isNumber) out.invalid(`${path}[${deletionCost}]`, cost, "must be a 32bit integer");
}

/** The template of a controller. Upstream leaves `metadata` out of the paths of its labels and annotations. */
export function validatePodTemplate(template: PodTemplate, path: string, out: Causes): void {
  const { metadata, spec = {} } = template;
  validateLabels(metadata?.labels, `${path}.labels`, out);
  validateAnnotations(metadata?.annotations, `${path}.annotations`, out);
  validatePodAnnotations(metadata?.annotations, spec, `${path}.annotations`, out);
  validatePodSpec(spec, { podName: "", isPod: false }, `${path}.spec`, out);
  if ((spec.ephemeralContainers ?? []).length > 0) {
    out.forbidden(`${path}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template");
  }
}
