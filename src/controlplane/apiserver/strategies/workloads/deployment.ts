/** Deployments and ReplicaSets (pkg/apis/apps). */
import type { V1DeploymentSpec, V1ReplicaSetSpec } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../../resources/resource.ts";
import { causesOf, type Causes } from "../../validation/causes.ts";
import { validateImmutable } from "../../validation/common.ts";
import { ensurePart, partOf, setDefault, type Json } from "../../validation/json.ts";
import { defaultPodTemplate } from "../pod/defaults.ts";
import { isNone, validateAtMostAll, validateIntOrPercent } from "./int_or_percent.ts";
import {
  validateCollisions,
  validateControllerSelector,
  validateCounts,
  validateParts,
  validateRunningTemplate,
} from "./template.ts";

type DeploymentSpec = Json<V1DeploymentSpec>;

const progressSeconds = 600;
const kept = 10;

export const deployment: Strategy = {
  statusKeeps: ["labels"],

  defaults(object) {
    const spec = ensurePart<V1DeploymentSpec>(object, "spec");
    spec.replicas ??= 1;
    const strategy = (spec.strategy ??= {});
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy.type === "RollingUpdate") {
      strategy.rollingUpdate = { maxUnavailable: "25%", maxSurge: "25%", ...strategy.rollingUpdate };
    }
    spec.revisionHistoryLimit ??= kept;
    spec.progressDeadlineSeconds ??= progressSeconds;
    defaultPodTemplate(spec);
  },

  prepareCreate(object) {
    object["status"] = {};
  },

  validateCreate: (object) => causesOf((out) => validateDeployment(partOf<V1DeploymentSpec>(object, "spec"), out)),

  validateUpdate(object, old, subresource) {
    return causesOf((out) => {
      if (subresource === "status") return validateDeploymentStatus(object, old, out);
      const spec = partOf<V1DeploymentSpec>(object, "spec");
      validateDeployment(spec, out);
      validateImmutable(spec.selector, partOf<V1DeploymentSpec>(old, "spec").selector, "spec.selector", out);
    });
  },
};

function validateDeployment(spec: DeploymentSpec, out: Causes): void {
  out.nonNegative("spec.replicas", spec.replicas);
  validateControllerSelector(spec.selector, "deployment", out);
  validateRunningTemplate(spec.template ?? {}, spec.selector, "Deployment", out);
  validateStrategy(spec, out);
  out.nonNegative("spec.minReadySeconds", spec.minReadySeconds);
  out.nonNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit);
  const progress = spec.progressDeadlineSeconds;
  if (progress === undefined) return;
  out.nonNegative("spec.progressDeadlineSeconds", progress);
  if (progress <= (spec.minReadySeconds ?? 0)) {
    out.invalid("spec.progressDeadlineSeconds", progress, "must be greater than minReadySeconds");
  }
}

function validateStrategy({ strategy }: DeploymentSpec, out: Causes): void {
  const path = "spec.strategy";
  const rolling = strategy?.rollingUpdate;
  if (strategy?.type === "Recreate") {
    if (rolling) {
      out.forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'");
    }
  } else if (strategy?.type !== "RollingUpdate") {
    // Upstream names the parent of the field.
    out.notSupported(path, strategy ?? {}, ["Recreate", "RollingUpdate"]);
  } else if (!rolling) out.required(`${path}.rollingUpdate`, "this should be defaulted and never be nil");
  else {
    const { maxUnavailable, maxSurge } = rolling;
    const at = `${path}.rollingUpdate`;
    validateIntOrPercent(maxUnavailable, `${at}.maxUnavailable`, out);
    validateIntOrPercent(maxSurge, `${at}.maxSurge`, out);
    if (isNone(maxUnavailable) && isNone(maxSurge)) {
      out.invalid(`${at}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0");
    }
    validateAtMostAll(maxUnavailable, `${at}.maxUnavailable`, out);
  }
}

const aboveReplicas = "cannot be greater than status.replicas";

function validateDeploymentStatus(object: ApiObject, old: ApiObject, out: Causes): void {
  const status = partOf<Record<string, unknown>>(object, "status");
  const counts = ["observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas"];
  validateCounts(status, [...counts, "unavailableReplicas", "collisionCount"], out);
  validateParts(status, ["updatedReplicas", "readyReplicas", "availableReplicas"], "replicas", aboveReplicas, out);
  validateParts(status, ["availableReplicas"], "readyReplicas", "cannot be greater than readyReplicas", out);
  validateCollisions(status, partOf<Record<string, unknown>>(old, "status"), out);
}

export const replicaSet: Strategy = {
  defaults(object) {
    const spec = ensurePart<V1ReplicaSetSpec>(object, "spec");
    spec.replicas ??= 1;
    defaultPodTemplate(spec);
  },

  prepareCreate(object) {
    object["status"] = { replicas: 0 };
  },

  validateCreate: (object) => causesOf((out) => validateReplicaSet(partOf<V1ReplicaSetSpec>(object, "spec"), out)),

  validateUpdate(object, old, subresource) {
    return causesOf((out) => {
      if (subresource === "status") return validateReplicaStatus(object, out);
      const spec = partOf<V1ReplicaSetSpec>(object, "spec");
      validateReplicaSet(spec, out);
      validateImmutable(spec.selector, partOf<V1ReplicaSetSpec>(old, "spec").selector, "spec.selector", out);
    });
  },
};

function validateReplicaSet(spec: Json<V1ReplicaSetSpec>, out: Causes): void {
  out.nonNegative("spec.replicas", spec.replicas);
  out.nonNegative("spec.minReadySeconds", spec.minReadySeconds);
  validateControllerSelector(spec.selector, "deployment", out);
  validateRunningTemplate(spec.template ?? {}, spec.selector, "ReplicaSet", out);
}

/** Of ReplicaSets and ReplicationControllers. */
export function validateReplicaStatus(object: ApiObject, out: Causes): void {
  const status = partOf<Record<string, unknown>>(object, "status");
  const parts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
  validateCounts(status, ["replicas", ...parts, "observedGeneration"], out);
  validateParts(status, parts, "replicas", aboveReplicas, out);
  validateParts(status, ["availableReplicas"], "readyReplicas", "cannot be greater than readyReplicas", out);
}
