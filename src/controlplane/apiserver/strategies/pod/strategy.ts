/** Pods (pkg/registry/core/pod/strategy.go). */
import { keepMetadata, userMetadata } from "../../resources/metadata.ts";
import type { ApiObject, Strategy } from "../../resources/resource.ts";
import { causesOf, type Causes } from "../../validation/causes.ts";
import { validateImageText } from "./containers.ts";
import { defaultPod } from "./defaults.ts";
import type { Container, PodSpec } from "./model.ts";
import { mirrorAnnotation, validatePodAnnotations, validatePodSpec } from "./spec.ts";
import { firstStatus, keepServersStatus, validateStatusUpdate } from "./status.ts";
import { validateEphemeralContainersUpdate, validateResize, validateSpecUpdate } from "./update.ts";

const specOf = (object: ApiObject): PodSpec => object["spec"] ?? {};

export const pod: Strategy = {
  // Old kubelets wrote owners back in a form that the garbage collector did not know.
  statusKeeps: ["ownerReferences"],

  defaults: defaultPod,

  prepareCreate(object) {
    object["status"] = firstStatus(specOf(object));
  },

  prepareUpdate(object, old, subresource) {
    if (subresource === "status") keepServersStatus(object, old);
    if (subresource === "ephemeralcontainers") {
      object["spec"] = { ...specOf(old), ephemeralContainers: specOf(object).ephemeralContainers };
      keepMetadata(object.metadata, old.metadata, userMetadata);
    }
    if (subresource === "resize" && areSameContainers(specOf(object), specOf(old))) {
      object["spec"] = withResources(specOf(old), specOf(object));
      keepMetadata(object.metadata, old.metadata, userMetadata);
    }
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

/** Others are refused by the validation, which sees the spec as it was sent. */
function areSameContainers(spec: PodSpec, old: PodSpec): boolean {
  const names = ({ containers = [], initContainers = [] }: PodSpec): string =>
    JSON.stringify([containers, initContainers].map((list) => list.map(({ name }) => name)));
  return names(spec) === names(old);
}

/** The old spec with the new resources of its containers. */
function withResources(old: PodSpec, spec: PodSpec): PodSpec {
  const resized = (list: "containers" | "initContainers"): Container[] | undefined =>
    old[list]?.map((container, i) => {
      const { resources, resizePolicy } = spec[list]![i]!;
      return { ...container, resources, resizePolicy };
    });
  const result: PodSpec = { ...old, containers: resized("containers") };
  if (old.initContainers) result.initContainers = resized("initContainers");
  return result;
}
