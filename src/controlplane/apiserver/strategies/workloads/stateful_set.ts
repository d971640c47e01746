/** StatefulSets (pkg/apis/apps). */
import type { V1StatefulSetSpec } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../../resources/resource.ts";
import { causesOf, type Causes } from "../../validation/causes.ts";
import { validateOptionalName } from "../../validation/common.ts";
import { semanticEqual } from "../../../../model/equality.ts";
import { ensurePart, partOf, setDefault, type Json } from "../../validation/json.ts";
import { isEmptySelector, validateSelector } from "../../validation/labels.ts";
import { dns1123Label } from "../../validation/names.ts";
import { validateClaimSpec } from "../claim_spec.ts";
import { defaultClaimSpec, defaultPodTemplate } from "../pod/defaults.ts";
import type { Volume } from "../pod/model.ts";
import { validatePodTemplate } from "../pod/spec.ts";
import { isNone, validateAtMostAll, validateIntOrPercent } from "./int_or_percent.ts";
import { validateCollisions, validateCounts, validateParts, validateSelected } from "./template.ts";

type StatefulSetSpec = Json<V1StatefulSetSpec>;

const kept = 10;

export const statefulSet: Strategy = {
  defaults(object) {
    const spec = ensurePart<V1StatefulSetSpec>(object, "spec");
    setDefault(spec, "podManagementPolicy", "OrderedReady");
    const strategy = (spec.updateStrategy ??= {});
    if (!strategy.type) {
      strategy.type = "RollingUpdate";
      strategy.rollingUpdate ??= {};
    }
    if (strategy.type === "RollingUpdate" && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0;
    spec.persistentVolumeClaimRetentionPolicy = {
      whenDeleted: "Retain",
      whenScaled: "Retain",
      ...spec.persistentVolumeClaimRetentionPolicy,
    };
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= kept;
    defaultPodTemplate(spec);
    spec.serviceName ??= "";
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.kind ??= "PersistentVolumeClaim";
      claim.apiVersion ??= "v1";
      defaultClaimSpec((claim.spec ??= {}));
      claim.status = { phase: "Pending" };
    }
  },

  prepareCreate(object) {
    object["status"] = { replicas: 0 };
  },

  validateCreate(object) {
    return causesOf((out) => {
      const spec = partOf<V1StatefulSetSpec>(object, "spec");
      validateStatefulSet(spec, out);
      validateOptionalName(spec.serviceName, "spec.serviceName", dns1123Label, out);
      validateTemplate(spec, out);
      validateClaimTemplates(spec, out);
    });
  },

  validateUpdate(object, old, subresource) {
    return causesOf((out) => {
      if (subresource === "status") return validateStatus(object, old, out);
      const spec = partOf<V1StatefulSetSpec>(object, "spec");
      const before = partOf<V1StatefulSetSpec>(old, "spec");
      validateStatefulSet(spec, out);
      // They were not always checked: what was wrong before may stay so.
      for (const check of [validateTemplate, validateClaimTemplates]) {
        if (causesOf((found) => check(before, found)).length === 0) check(spec, out);
      }
      if (!semanticEqual(unchangeable(spec), unchangeable(before))) {
        out.forbidden("spec", fixedWords);
      }
    });
  },
};

const changeable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
] as const;
const fixedWords =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

function unchangeable(spec: StatefulSetSpec): object {
  const rest: Record<string, unknown> = { ...spec };
  for (const field of changeable) delete rest[field];
  return rest;
}

function validateStatefulSet(spec: StatefulSetSpec, out: Causes): void {
  const { podManagementPolicy: management, selector, template = {} } = spec;
  if (!management) out.required("spec.podManagementPolicy");
  else if (!["OrderedReady", "Parallel"].includes(management)) {
    out.invalid("spec.podManagementPolicy", management, "must be 'OrderedReady' or 'Parallel'");
  }
  validateUpdateStrategy(spec, out);
  validateRetention(spec, out);
  out.nonNegative("spec.replicas", spec.replicas);
  out.nonNegative("spec.minReadySeconds", spec.minReadySeconds);
  out.nonNegative("spec.ordinals.start", spec.ordinals?.start);
  if (!selector) out.required("spec.selector");
  else {
    validateSelector(selector, "spec.selector", out);
    if (isEmptySelector(selector)) out.invalid("spec.selector", selector, "empty selector is invalid for statefulset");
  }
  validateSelected(template, selector, out);
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== "Always") out.notSupported("spec.template.spec.restartPolicy", restartPolicy ?? "", ["Always"]);
  if (activeDeadlineSeconds !== undefined) {
    const words = "activeDeadlineSeconds in StatefulSet is not Supported";
    out.forbidden("spec.template.spec.activeDeadlineSeconds", words);
  }
}

/** Its pods have the volumes of its claims, in place of the template's own of the same names. */
function validateTemplate({ template = {}, volumeClaimTemplates = [] }: StatefulSetSpec, out: Causes): void {
  const claimed = volumeClaimTemplates.map(({ metadata }): Volume => {
    const name = metadata?.name ?? "";
    return { name, persistentVolumeClaim: { claimName: name } };
  });
  const names = new Set(claimed.map(({ name }) => name));
  const volumes = [...(template.spec?.volumes ?? []).filter(({ name }) => !names.has(name)), ...claimed];
  validatePodTemplate({ ...template, spec: { ...template.spec, volumes } }, "spec.template", out);
}

function validateClaimTemplates({ volumeClaimTemplates = [] }: StatefulSetSpec, out: Causes): void {
  for (const [i, { spec }] of volumeClaimTemplates.entries()) {
    validateClaimSpec(spec ?? {}, `spec.volumeClaimTemplates[${i}].spec`, out);
  }
}

function validateUpdateStrategy({ updateStrategy: strategy }: StatefulSetSpec, out: Causes): void {
  const path = "spec.updateStrategy";
  const rolling = strategy?.rollingUpdate;
  if (!strategy?.type) out.required(path);
  else if (strategy.type === "OnDelete") {
    if (rolling) out.invalid(`${path}.rollingUpdate`, rolling, "only allowed for updateStrategy 'RollingUpdate'");
  } else if (strategy.type === "RollingUpdate") {
    out.nonNegative(`${path}.rollingUpdate.partition`, rolling?.partition);
    const most = rolling?.maxUnavailable;
    if (most === undefined) return;
    validateIntOrPercent(most, `${path}.rollingUpdate.maxUnavailable`, out);
    if (isNone(most)) out.invalid(`${path}.rollingUpdate.maxUnavailable`, most, "cannot be 0");
    validateAtMostAll(most, `${path}.rollingUpdate.maxUnavailable`, out);
  } else out.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'");
}

function validateRetention({ persistentVolumeClaimRetentionPolicy: policy }: StatefulSetSpec, out: Causes): void {
  for (const field of ["whenDeleted", "whenScaled"] as const) {
    const value = policy?.[field];
    if (value === undefined || value === "Retain" || value === "Delete") continue;
    out.notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, value, ["Delete", "Retain"]);
  }
}

function validateStatus(object: ApiObject, old: ApiObject, out: Causes): void {
  const status = partOf<Record<string, unknown>>(object, "status");
  const parts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
  validateCounts(status, ["replicas", ...parts, "observedGeneration", "collisionCount"], out);
  validateParts(status, parts, "replicas", "cannot be greater than status.replicas", out);
  validateParts(status, ["availableReplicas"], "readyReplicas", "cannot be greater than status.readyReplicas", out);
  validateCollisions(status, partOf<Record<string, unknown>>(old, "status"), out);
}
