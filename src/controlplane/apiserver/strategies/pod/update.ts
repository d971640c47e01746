/** What of a pod may change, and by whom: an update, a resize, containers added to look inside. */
import type { V1NodeAffinity, V1NodeSelectorTerm, V1ResourceRequirements } from "@kubernetes/client-node";
import type { Causes } from "../../validation/causes.ts";
import { differences, semanticEqual } from "../../../../model/equality.ts";
import type { Json } from "../../validation/json.ts";
import { inRange } from "../../validation/names.ts";
import { nanos } from "../../../../model/quantity.ts";
import { isSidecar, type Container, type PodSpec } from "./model.ts";
import { qosClassOf } from "../../../../model/qos_class.ts";
import { validateTolerations } from "./scheduling.ts";
import { maxInt32 } from "./spec.ts";

const updatable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

export function validateSpecUpdate(spec: PodSpec, old: PodSpec, out: Causes): void {
  for (const list of ["containers", "initContainers"] as const) {
    if ((spec[list] ?? []).length !== (old[list] ?? []).length) {
      return out.forbidden(`spec.${list}`, "pod updates may not add or remove containers");
    }
  }
  if (!validateDeadline(spec.activeDeadlineSeconds, old.activeDeadlineSeconds, out)) return;
  validateAddedTolerations(spec, old, out);
  validateRemovedGates(spec, old, out);
  const munged = mungedSpec(spec, old, out);
  if (semanticEqual(munged, old)) return;
  const changes = differences(old, munged, "spec").join("\n");
  out.forbidden("spec", `pod updates may not change fields other than ${updatable}\n${changes}`);
}

function validateDeadline(seconds: number | undefined, old: number | undefined, out: Causes): boolean {
  const path = "spec.activeDeadlineSeconds";
  if (seconds === undefined) {
    if (old !== undefined) out.invalid(path, null, "must not update from a positive integer to nil value");
    return true;
  }
  if (seconds < 0 || seconds > maxInt32) out.invalid(path, seconds, inRange(0, maxInt32));
  else if (old !== undefined && old < seconds) {
    out.invalid(path, seconds, "must be less than or equal to previous value");
  } else return true;
  return false;
}

function validateAddedTolerations(spec: PodSpec, old: PodSpec, out: Causes): void {
  const kept = (old.tolerations ?? []).every((before) =>
    (spec.tolerations ?? []).some((after) =>
      semanticEqual({ ...before, tolerationSeconds: after.tolerationSeconds }, after),
    ),
  );
  if (!kept) {
    out.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
  } else if (!semanticEqual(spec.tolerations, old.tolerations)) {
    validateTolerations(spec.tolerations ?? [], "spec.tolerations", out);
  }
}

function validateRemovedGates(spec: PodSpec, old: PodSpec, out: Causes): void {
  const before = (old.schedulingGates ?? []).map(({ name }) => name);
  for (const [i, { name = "" }] of (spec.schedulingGates ?? []).entries()) {
    if (before.includes(name)) continue;
    const words = `only deletion is allowed, but found new scheduling gate '${name}'`;
    out.forbidden(`spec.schedulingGates[${i}].name`, words);
  }
}

/** The new spec with everything that may change as it was. */
function mungedSpec(spec: PodSpec, old: PodSpec, out: Causes): PodSpec {
  const withOldImages = (list: "containers" | "initContainers"): Container[] =>
    (spec[list] ?? []).map((container, i) => ({ ...container, image: old[list]![i]!.image }));
  const munged: PodSpec = {
    ...spec,
    containers: withOldImages("containers"),
    initContainers: withOldImages("initContainers"),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    schedulingGates: old.schedulingGates,
    tolerations: old.tolerations,
  };
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    munged.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds;
  }
  if ((old.schedulingGates ?? []).length > 0) mungeGated(munged, old, out);
  return munged;
}

/** A pod that waits at a gate may still be directed: node selectors and node affinity may grow (KEP-3838). */
function mungeGated(munged: PodSpec, old: PodSpec, out: Causes): void {
  const selector = munged.nodeSelector ?? {};
  const isKept = Object.entries(old.nodeSelector ?? {}).every(([key, value]) => selector[key] === value);
  if (!isKept) {
    const words = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
    out.invalid("spec.nodeSelector", munged.nodeSelector, words);
  }
  munged.nodeSelector = old.nodeSelector;
  validateAffinityGrowth(munged.affinity?.nodeAffinity, old.affinity?.nodeAffinity, out);
  munged.affinity = { ...munged.affinity, nodeAffinity: old.affinity?.nodeAffinity };
  if (!old.affinity && semanticEqual(munged.affinity, {})) munged.affinity = undefined;
}

type NodeAffinity = Json<V1NodeAffinity> | undefined;

function validateAffinityGrowth(affinity: NodeAffinity, old: NodeAffinity, out: Causes): void {
  const before = old?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const after = affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  if (before.length === 0) return;
  if (before.length !== after.length) {
    return out.invalid(path, after, "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
  }
  for (const [i, term] of before.entries()) {
    if (onlyGrew(after[i]!, term)) continue;
    out.invalid(`${path}[${i}]`, after[i], "only additions are allowed (no mutations or deletions)");
  }
}

function onlyGrew(term: Json<V1NodeSelectorTerm>, old: Json<V1NodeSelectorTerm>): boolean {
  const fields = ["matchExpressions", "matchFields"] as const;
  const wasEmpty = fields.every((field) => (old[field] ?? []).length === 0);
  // An empty term matches nothing: what is added would widen it.
  if (wasEmpty) return fields.every((field) => (term[field] ?? []).length === 0);
  return fields.every((field) => {
    const before = old[field] ?? [];
    return semanticEqual((term[field] ?? []).slice(0, before.length), before);
  });
}

export function validateEphemeralContainersUpdate(spec: PodSpec, old: PodSpec, out: Causes): void {
  const path = "spec.ephemeralContainers";
  for (const before of old.ephemeralContainers ?? []) {
    const name = JSON.stringify(before.name ?? "");
    const after = (spec.ephemeralContainers ?? []).find((container) => container.name === before.name);
    if (!after) out.forbidden(path, `existing ephemeral containers ${name} may not be removed\n`);
    else if (!semanticEqual(before, after)) {
      const changes = differences(before, after, path).join("\n");
      out.forbidden(path, `existing ephemeral containers ${name} may not be changed\n${changes}`);
    }
  }
}

/** KEP-1287: cpu and memory of containers and sidecars. */
export function validateResize(spec: PodSpec, old: PodSpec, out: Causes): void {
  if (qosClassOf(old) !== qosClassOf(spec)) {
    out.invalid("spec", qosClassOf(old), "Pod QOS Class may not change as a result of resizing");
  }
  const munged = structuredClone(spec);
  for (const list of ["initContainers", "containers"] as const) {
    for (const [i, before] of (old[list] ?? []).entries()) {
      const after = spec[list]?.[i];
      if (!after) continue;
      const isFixed = list === "initContainers" && !isSidecar(before);
      if (!isFixed) validateContainerResize(after, before, `spec.${list}[${i}].resources`, out);
      const kept = isFixed ? after : withOldCompute(after, before);
      munged[list]![i] = kept;
      if (semanticEqual(kept, before)) continue;
      out.forbidden("spec", isFixed ? fixedWords : list === "containers" ? onlyCompute : onlySidecarCompute);
    }
  }
  if (out.list.length === 0 && !semanticEqual(munged, old)) out.forbidden("spec", onlyCompute);
}

const onlyCompute = "only cpu and memory resources are mutable";
const onlySidecarCompute = "only cpu and memory resources for sidecar containers are mutable";
const fixedWords = "resources for non-sidecar init containers are immutable";

function withOldCompute(container: Container, old: Container): Container {
  const keep = (list: "limits" | "requests"): Record<string, string> | undefined => {
    const before = old.resources?.[list];
    if (!before) return undefined;
    const { cpu: _cpu, memory: _memory, ...others } = container.resources?.[list] ?? {};
    const compute = Object.entries(before).filter(([name]) => name === "cpu" || name === "memory");
    return { ...others, ...Object.fromEntries(compute) };
  };
  return {
    ...container,
    resizePolicy: old.resizePolicy,
    resources: { limits: keep("limits"), requests: keep("requests") },
  };
}

type Requirements = Json<V1ResourceRequirements>;

function validateContainerResize(container: Container, old: Container, path: string, out: Causes): void {
  const after: Requirements = container.resources ?? {};
  const before: Requirements = old.resources ?? {};
  for (const list of ["requests", "limits"] as const) {
    const isRemoved = Object.keys(before[list] ?? {}).some((name) => after[list]?.[name] === undefined);
    if (isRemoved) out.forbidden(`${path}.${list}`, `resource ${list} cannot be removed`);
  }
  const policy = (container.resizePolicy ?? []).find(({ resourceName }) => resourceName === "memory")?.restartPolicy;
  const limit = after.limits?.["memory"];
  if (limit === undefined || (policy !== undefined && policy !== "NotRequired")) return;
  const oldLimit = before.limits?.["memory"];
  const at = `${path}.limits[memory]`;
  if (oldLimit === undefined) {
    out.forbidden(at, "memory limits cannot be added unless resizePolicy is RestartContainer");
  } else if (nanos(limit) < nanos(oldLimit)) {
    out.forbidden(at, "memory limits cannot be decreased unless resizePolicy is RestartContainer");
  }
}
