/** DaemonSets, and the revisions of what they and StatefulSets were (pkg/apis/apps). */
import type { V1DaemonSetSpec } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../../resources/resource.ts";
import { semanticEqual } from "../../../../model/equality.ts";
import { causesOf, type Causes } from "../../validation/causes.ts";
import { validateImmutable } from "../../validation/common.ts";
import { ensurePart, partOf, setDefault, type Json } from "../../validation/json.ts";
import { isEmptySelector, selects, validateSelector } from "../../validation/labels.ts";
import { defaultPodTemplate } from "../pod/defaults.ts";
import { validatePodTemplate } from "../pod/spec.ts";
import { isNone, validateAtMostAll, validateIntOrPercent } from "./int_or_percent.ts";
import { validateCollisions, validateCounts } from "./template.ts";

type DaemonSetSpec = Json<V1DaemonSetSpec>;

const kept = 10;
const scheduled = ["currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"];

export const daemonSet: Strategy = {
  defaults(object) {
    const spec = ensurePart<V1DaemonSetSpec>(object, "spec");
    const strategy = (spec.updateStrategy ??= {});
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy.type === "RollingUpdate") {
      strategy.rollingUpdate = { maxUnavailable: 1, maxSurge: 0, ...strategy.rollingUpdate };
    }
    spec.revisionHistoryLimit ??= kept;
    defaultPodTemplate(spec);
  },

  prepareCreate(object) {
    object["status"] = Object.fromEntries(scheduled.map((field) => [field, 0]));
    setGeneration(object, Math.max(1, generationOf(object)));
  },

  prepareUpdate(object, old, subresource) {
    if (subresource !== "") return;
    const [before, after] = [old, object].map((set) => partOf<V1DaemonSetSpec>(set, "spec").template);
    setGeneration(object, generationOf(old) + (semanticEqual(before, after) ? 0 : 1));
  },

  validateCreate: (object) => causesOf((out) => validateDaemonSet(partOf<V1DaemonSetSpec>(object, "spec"), out)),

  validateUpdate(object, old, subresource) {
    return causesOf((out) => {
      if (subresource === "status") return validateStatus(object, old, out);
      const spec = partOf<V1DaemonSetSpec>(object, "spec");
      validateDaemonSet(spec, out);
      validateImmutable(spec.selector, partOf<V1DaemonSetSpec>(old, "spec").selector, "spec.selector", out);
    });
  },
};

/** extensions/v1beta1's templateGeneration, which apps/v1 keeps as an annotation: clients may not change it. */
const generationAnnotation = "deprecated.daemonset.template.generation";

function generationOf({ metadata }: ApiObject): number {
  const generation = Number(metadata.annotations?.[generationAnnotation] ?? 0);
  return Number.isSafeInteger(generation) ? generation : 0;
}

function setGeneration({ metadata }: ApiObject, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [generationAnnotation]: String(generation) };
}

function validateDaemonSet(spec: DaemonSetSpec, out: Causes): void {
  const { selector, template = {} } = spec;
  validateSelector(selector, "spec.selector", out);
  if (selector && !selects(selector, template.metadata?.labels)) {
    const words = "`selector` does not match template `labels`";
    out.invalid("spec.template.metadata.labels", template.metadata?.labels, words);
  }
  if (isEmptySelector(selector)) {
    out.invalid("spec.selector", selector, "empty selector is invalid for daemonset");
  }
  validatePodTemplate(template, "spec.template", out);
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== "Always") out.notSupported("spec.template.spec.restartPolicy", restartPolicy ?? "", ["Always"]);
  if (activeDeadlineSeconds !== undefined) {
    const words = "activeDeadlineSeconds in DaemonSet is not Supported";
    out.forbidden("spec.template.spec.activeDeadlineSeconds", words);
  }
  out.nonNegative("spec.minReadySeconds", spec.minReadySeconds);
  validateUpdateStrategy(spec, out);
  out.nonNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit);
}

function validateUpdateStrategy({ updateStrategy: strategy }: DaemonSetSpec, out: Causes): void {
  const path = "spec.updateStrategy";
  if (strategy?.type === "OnDelete") return;
  if (strategy?.type !== "RollingUpdate") {
    return out.notSupported(`${path}.type`, strategy?.type ?? "", ["OnDelete", "RollingUpdate"]);
  }
  const at = `${path}.rollingUpdate`;
  if (!strategy.rollingUpdate) return out.required(at);
  const { maxUnavailable, maxSurge } = strategy.rollingUpdate;
  validateIntOrPercent(maxUnavailable, `${at}.maxUnavailable`, out);
  validateAtMostAll(maxUnavailable, `${at}.maxUnavailable`, out);
  validateIntOrPercent(maxSurge, `${at}.maxSurge`, out);
  validateAtMostAll(maxSurge, `${at}.maxSurge`, out);
  if (!isNone(maxSurge) && !isNone(maxUnavailable)) {
    out.invalid(`${at}.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero");
  } else if (isNone(maxSurge) && isNone(maxUnavailable)) {
    out.required(`${at}.maxUnavailable`, "cannot be 0 when maxSurge is 0");
  }
}

function validateStatus(object: ApiObject, old: ApiObject, out: Causes): void {
  const status = partOf<Record<string, unknown>>(object, "status");
  const counts = ["observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable"];
  validateCounts(status, [...scheduled, ...counts], out);
  validateCollisions(status, partOf<Record<string, unknown>>(old, "status"), out);
}

export const controllerRevision: Strategy = {
  validateCreate: (object) => causesOf((out) => validateRevision(object, out)),
  validateUpdate(object, old) {
    return causesOf((out) => {
      validateRevision(object, out);
      validateImmutable(object["data"], old["data"], "data", out);
    });
  },
};

function validateRevision(object: ApiObject, out: Causes): void {
  if (object["data"] === undefined) out.required("data", "data is mandatory");
  out.nonNegative("revision", object["revision"] as number | undefined);
}
