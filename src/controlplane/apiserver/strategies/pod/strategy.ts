/** Pods (pkg/registry/core/pod/strategy.go). */
import type { ApiObject, Strategy } from "../../resources/resource.ts";
import { causesOf, type Causes } from "../../validation/causes.ts";
import { validateImageText } from "./containers.ts";
import { defaultPod } from "./defaults.ts";
import type { Container, PodSpec } from "./model.ts";
import { mirrorAnnotation, validatePodAnnotations, validatePodSpec } from "./spec.ts";
import { firstStatus, validateStatusUpdate } from "./status.ts";
import { validateEphemeralContainersUpdate, validateResize, validateSpecUpdate } from "./update.ts";

const specOf = (object: ApiObject): PodSpec => object["spec"] ?? {};

export const pod: Strategy = {
  defaults: defaultPod,

  prepareCreate(object) {
    object["status"] = firstStatus(specOf(object));
  },

  prepareUpdate(object, old, subresource) {
    if (subresource === "status") keepQosClass(object, old);
    if (subresource === "ephemeralcontainers") {
      object["spec"] = { ...specOf(old), ephemeralContainers: specOf(object).ephemeralContainers };
    }
    if (subresource === "resize") object["spec"] = withResources(specOf(old), specOf(object));
  },

  validateCreate(object) {
    return causesOf((out) => {
      validateWhole(object, out);
      const spec = specOf(object);
      if ((spec.ephemeralContainers ?? []).length > 0)
        out.forbidden("spec.ephemeralContainers", "cannot be set on create");
      if (spec.nodeName && (spec.schedulingGates ?? []).length > 0) {
        out.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
      }
    });
  },

  validateUpdate(object, old, subresource) {
    return causesOf((out) => {
      switch (subresource) {
        case "":
          validateWhole(object, out);
          validateMirrorAnnotation(object, old, out);
          return validateSpecUpdate(specOf(object), specOf(old), out);
        case "status":
          return validateStatusUpdate(object, old, out);
        case "ephemeralcontainers":
          if (isMirror(old)) return out.forbidden("", "static pods do not support ephemeral containers");
          validateWhole(object, out);
          return validateEphemeralContainersUpdate(specOf(object), specOf(old), out);
        case "resize":
          return validatePodResize(object, old, out);
      }
    });
  },
};

const isMirror = (object: ApiObject): boolean => object.metadata.annotations?.[mirrorAnnotation] !== undefined;

/** What holds for a pod at any time. */
function validateWhole(object: ApiObject, out: Causes): void {
  const spec = specOf(object);
  validatePodAnnotations(object.metadata.annotations, spec, "metadata.annotations", out);
  validatePodSpec(spec, { podName: object.metadata.name ?? "", isPod: true }, "spec", out);
  for (const [i, { projected }] of (spec.volumes ?? []).entries()) {
    for (const [j, { serviceAccountToken }] of (projected?.sources ?? []).entries()) {
      if (!serviceAccountToken || spec.serviceAccountName) continue;
      const path = `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`;
      out.forbidden(path, "must not be specified when serviceAccountName is not set");
    }
  }
  for (const list of ["containers", "initContainers"] as const) {
    for (const [i, container] of (spec[list] ?? []).entries()) validateImageText(container, `spec.${list}[${i}]`, out);
  }
}

function validateMirrorAnnotation(object: ApiObject, old: ApiObject, out: Causes): void {
  const before = old.metadata.annotations?.[mirrorAnnotation];
  const after = object.metadata.annotations?.[mirrorAnnotation];
  if (before === after) return;
  const what =
    before === undefined ? "may not add mirror pod annotation" : "may not remove or update mirror pod annotation";
  out.forbidden(`metadata.annotations[${mirrorAnnotation}]`, what);
}

function validatePodResize(object: ApiObject, old: ApiObject, out: Causes): void {
  const spec = specOf(object);
  const hasOwn = [spec, specOf(old)].some(
    ({ resources }) => Object.keys({ ...resources?.limits, ...resources?.requests }).length > 0,
  );
  if (hasOwn) return out.forbidden("", "pods with pod-level resources cannot be resized");
  if (isMirror(old)) return out.forbidden("", "static pods cannot be resized");
  if (specOf(old).os?.name === "windows") return out.forbidden("", "windows pods cannot be resized");
  validateWhole(object, out);
  validateResize(spec, specOf(old), out);
}

/** Clients that know nothing of it leave it out; it is fixed at the create. */
function keepQosClass(object: ApiObject, old: ApiObject): void {
  const status = (object["status"] ??= {}) as { qosClass?: unknown };
  const before = (old["status"] as { qosClass?: unknown } | undefined)?.qosClass;
  if (before !== undefined) status.qosClass ??= before;
}

/** The old spec with the new resources of containers of the same name. */
function withResources(old: PodSpec, spec: PodSpec): PodSpec {
  const resized = (list: "containers" | "initContainers"): Container[] | undefined =>
    old[list]?.map((container) => {
      const wanted = spec[list]?.find(({ name }) => name === container.name);
      if (!wanted) return container;
      return { ...container, resources: wanted.resources, resizePolicy: wanted.resizePolicy };
    });
  const result: PodSpec = { ...old, containers: resized("containers") };
  if (old.initContainers) result.initContainers = resized("initContainers");
  return result;
}
