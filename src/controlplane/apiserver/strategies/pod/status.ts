/** The status of a pod: how it begins, and what a status update may not do. */
import type { V1ContainerStatus, V1PodStatus } from "@kubernetes/client-node";
import type { ApiObject } from "../../resources/resource.ts";
import type { Causes } from "../../validation/causes.ts";
import { validateImmutable, validateOptionalName } from "../../validation/common.ts";
import { areOnePerFamily, validateIp } from "../../validation/ip.ts";
import { ensurePart, partOf, type Json } from "../../validation/json.ts";
import { dns1123Subdomain, qualifiedName } from "../../validation/names.ts";
import { isSidecar, type PodSpec } from "./model.ts";
import { qosClassOf } from "../../../../model/qos_class.ts";

type PodStatus = Json<V1PodStatus>;

/** A pod that nobody has seen yet. */
export function firstStatus(spec: PodSpec): PodStatus {
  const status: PodStatus = { phase: "Pending", qosClass: qosClassOf(spec) };
  if ((spec.schedulingGates ?? []).length === 0) return status;
  const message = "Scheduling is blocked due to non-empty scheduling gates";
  status.conditions = [{ type: "PodScheduled", status: "False", reason: "SchedulingGated", message }];
  return status;
}

/** What older clients know nothing of and leave out: the class, fixed at the create, and the generations that were seen. */
export function keepServersStatus(object: ApiObject, old: ApiObject): void {
  const status = ensurePart<V1PodStatus>(object, "status");
  const before = partOf<V1PodStatus>(old, "status");
  if (before.qosClass) status.qosClass ||= before.qosClass;
  if (before.observedGeneration) status.observedGeneration ||= before.observedGeneration;
  // A type may be there more than once.
  const left = [...(before.conditions ?? [])];
  for (const condition of status.conditions ?? []) {
    const at = left.findIndex(({ type }) => type === condition.type);
    const [seen] = at < 0 ? [] : left.splice(at, 1);
    if (seen?.observedGeneration) condition.observedGeneration ||= seen.observedGeneration;
  }
}

const systemConditions: readonly string[] = ["PodScheduled", "Ready", "Initialized"];

export function validateStatusUpdate(object: ApiObject, old: ApiObject, out: Causes): void {
  const status = partOf<V1PodStatus>(object, "status");
  const before = partOf<V1PodStatus>(old, "status");
  const spec = (old["spec"] ?? {}) as PodSpec;
  for (const [i, { type = "" }] of (status.conditions ?? []).entries()) {
    if (systemConditions.includes(type)) continue;
    out.invalidEach(`metadata.conditions[${i}].Type`, type, qualifiedName(type));
  }
  out.nonNegative("status.observedGeneration", status.observedGeneration);
  if (status.nominatedNodeName !== before.nominatedNodeName) {
    validateOptionalName(status.nominatedNodeName, "status.nominatedNodeName", dns1123Subdomain, out);
  }
  validateImmutable(status.qosClass, before.qosClass, "status.qosClass", out);
  const policy = spec.restartPolicy;
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  validateTransitions(status, before, "containerStatuses", policy, new Set(), out);
  validateTransitions(status, before, "initContainerStatuses", policy, sidecars, out);
  // They are never started again.
  validateTransitions(status, before, "ephemeralContainerStatuses", "Never", new Set(), out);
  validateAddresses(status, out);
}

type StatusList = "containerStatuses" | "initContainerStatuses" | "ephemeralContainerStatuses";

/** What has ended and may not start again stays ended. */
function validateTransitions(
  status: PodStatus,
  old: PodStatus,
  list: StatusList,
  restartPolicy: string | undefined,
  sidecars: ReadonlySet<string | undefined>,
  out: Causes,
): void {
  if (restartPolicy === "Always") return;
  const after = status[list] ?? [];
  for (const [i, before] of (old[list] ?? []).entries()) {
    const ended = before.state?.terminated;
    if (!ended || sidecars.has(before.name)) continue;
    if (ended.exitCode !== 0 && restartPolicy === "OnFailure") continue;
    const lives = ({ name, state }: Json<V1ContainerStatus>): boolean => name === before.name && !state?.terminated;
    if (after.some(lives)) {
      out.forbidden(`status.${list}[${i}].state`, "may not be transitioned to non-terminated state");
    }
  }
}

function validateAddresses(status: PodStatus, out: Causes): void {
  const { hostIP = "", hostIPs = [] } = status;
  if (hostIPs.length > 0 && hostIPs[0]!.ip !== hostIP) {
    out.invalid("status.hostIPs[0].ip", hostIPs[0]!.ip ?? "", "must be equal to `hostIP`");
  }
  for (const field of ["podIPs", "hostIPs"] as const) {
    const addresses = (status[field] ?? []).map(({ ip = "" }) => ip);
    const areValid = addresses.map((ip, i) => validateIp(ip, `status.${field}[${i}]`, out)).every(Boolean);
    if (areValid && !areOnePerFamily(addresses)) {
      out.invalid(`status.${field}`, status[field], "may specify no more than one IP for each IP family");
    }
    for (const [i, ip] of addresses.entries()) {
      if (addresses.indexOf(ip) < i) out.duplicate(`status.${field}[${i}]`, { ip });
    }
  }
}
