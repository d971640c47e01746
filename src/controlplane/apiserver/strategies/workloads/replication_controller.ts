/** ReplicationControllers, and the templates of pods that stand alone (pkg/apis/core). */
import type { V1PodTemplateSpec, V1ReplicationControllerSpec } from "@kubernetes/client-node";
import type { Strategy } from "../../resources/resource.ts";
import { causesOf, type Causes } from "../../validation/causes.ts";
import { ensurePart, partOf, type Json } from "../../validation/json.ts";
import { defaultPodTemplate } from "../pod/defaults.ts";
import type { PodTemplate } from "../pod/model.ts";
import { validatePodTemplate } from "../pod/spec.ts";
import { validateReplicaStatus } from "./deployment.ts";
import { validateRunningTemplate } from "./template.ts";

export const replicationController: Strategy = {
  dependents: "orphan",

  defaults(object) {
    const spec = ensurePart<V1ReplicationControllerSpec>(object, "spec");
    spec.replicas ??= 1;
    if (!spec.template) return;
    defaultPodTemplate(spec);
    const labels = spec.template.metadata?.labels;
    if (!labels) return;
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    if (Object.keys(object.metadata.labels ?? {}).length === 0) object.metadata.labels = { ...labels };
  },

  prepareCreate(object) {
    object["status"] = { replicas: 0 };
  },

  validateCreate: (object) =>
    causesOf((out) => validateController(partOf<V1ReplicationControllerSpec>(object, "spec"), out)),

  validateUpdate(object, _old, subresource) {
    return causesOf((out) => {
      if (subresource === "status") validateReplicaStatus(object, out);
      else validateController(partOf<V1ReplicationControllerSpec>(object, "spec"), out);
    });
  },
};

function validateController(spec: Json<V1ReplicationControllerSpec>, out: Causes): void {
  out.nonNegative("spec.minReadySeconds", spec.minReadySeconds);
  if (Object.keys(spec.selector ?? {}).length === 0) out.required("spec.selector");
  out.nonNegative("spec.replicas", spec.replicas);
  if (!spec.template) return out.required("spec.template");
  validateRunningTemplate(spec.template, { matchLabels: spec.selector }, "ReplicationController", out);
}

export const podTemplate: Strategy = {
  defaults: (object) => defaultPodTemplate(object as { template?: PodTemplate }),
  validateCreate: (object) =>
    causesOf((out) => validatePodTemplate(partOf<V1PodTemplateSpec>(object, "template"), "template", out)),
  validateUpdate: (object) =>
    causesOf((out) => validatePodTemplate(partOf<V1PodTemplateSpec>(object, "template"), "template", out)),
};
