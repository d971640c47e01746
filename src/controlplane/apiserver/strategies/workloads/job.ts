/** Jobs (pkg/apis/batch, pkg/registry/batch/job). */
import type { V1JobSpec, V1JobStatus } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../../resources/resource.ts";
import { causesOf, type Causes } from "../../validation/causes.ts";
import { validateImmutable } from "../../validation/common.ts";
import { semanticEqual } from "../../../../model/equality.ts";
import { ensurePart, partOf, type Json } from "../../validation/json.ts";
import { dns1123Label } from "../../validation/names.ts";
import type { PodTemplate } from "../pod/model.ts";
import { defaultJobSpec, validateJobSpec, validateJobSelector } from "./job_spec.ts";
import { validateJobStatus } from "./job_status.ts";

type JobSpec = Json<V1JobSpec>;
const specOf = (object: ApiObject): JobSpec => partOf<V1JobSpec>(object, "spec");

export const job: Strategy = {
  dependents: "orphan",

  defaults(object) {
    const spec: JobSpec = ensurePart<V1JobSpec>(object, "spec");
    defaultJobSpec(spec);
    const labels = spec.template?.metadata?.labels;
    if (labels && Object.keys(object.metadata.labels ?? {}).length === 0) object.metadata.labels = { ...labels };
  },

  prepareCreate(object) {
    object["status"] = {};
    const spec = specOf(object);
    if (!spec.manualSelector) generateSelector(object, spec);
  },

  validateCreate: (object) => causesOf((out) => validateJob(object, out)),

  validateUpdate(object, old, subresource) {
    return causesOf((out) => {
      if (subresource === "status") return validateJobStatus(object, old, out);
      validateJob(object, out);
      validateSpecUpdate(specOf(object), old, out);
    });
  },
};

/** Labels that tell a Job's pods from all others: the older names, and those with a domain. */
function generatedLabels({ metadata }: ApiObject): Record<string, string> {
  const uid = metadata.uid ?? "";
  const name = metadata.name ?? "";
  return {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
}

/** A client's own labels stay, for the validation to refuse; those of an earlier attempt at a name do not. */
function generateSelector(object: ApiObject, spec: JobSpec): void {
  const template = (spec.template ??= {});
  const metadata = (template.metadata ??= {});
  const labels = (metadata.labels ??= {});
  const prefix = object.metadata.generateName;
  for (const [key, value] of Object.entries(generatedLabels(object))) {
    if (labels[key] === undefined || (prefix && labels[key].startsWith(prefix))) labels[key] = value;
  }
  spec.selector ??= {};
  spec.selector.matchLabels = {
    ...spec.selector.matchLabels,
    "batch.kubernetes.io/controller-uid": object.metadata.uid ?? "",
  };
}

function validateJob(object: ApiObject, out: Causes): void {
  const spec = specOf(object);
  if (!spec.manualSelector && spec.selector) validateGenerated(object, spec, out);
  validateJobSpec(spec, "spec", out);
  validateJobSelector(spec, out);
  if (spec.completionMode === "Indexed" && (spec.completions ?? 0) > 0) {
    // The last pod's host name.
    const host = `${object.metadata.name ?? ""}-${spec.completions! - 1}`;
    if (dns1123Label(host).length > 0) {
      const words = `will not able to create pod with invalid DNS label: ${host}`;
      out.invalid("metadata.name", object.metadata.name, words);
    }
  }
}

function validateGenerated(object: ApiObject, spec: JobSpec, out: Causes): void {
  const labels = spec.template?.metadata?.labels ?? {};
  for (const [key, value] of Object.entries(generatedLabels(object))) {
    const path = `spec.template.metadata.labels[${key}]`;
    if (labels[key] === undefined) out.required(path, `must be '${value}'`);
    else if (labels[key] !== value) out.invalid(path, labels, `must be '${value}'`);
  }
  const expected = generatedLabels(object);
  const isGenerated = Object.entries(spec.selector?.matchLabels ?? {}).every(([key, value]) => expected[key] === value);
  if (!isGenerated) out.invalid("spec.selector", spec.selector, "`selector` not auto-generated");
}

const fixed = ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] as const;

function validateSpecUpdate(spec: JobSpec, oldObject: ApiObject, out: Causes): void {
  const old = specOf(oldObject);
  validateCompletionsUpdate(spec, old, out);
  validateImmutable(spec.selector, old.selector, "spec.selector", out);
  const status = partOf<V1JobStatus>(oldObject, "status");
  const neverRan = old.suspend === true && status.startTime === undefined;
  const before = neverRan ? withDirectivesOf(spec.template, old.template) : old.template;
  if (!semanticEqual(spec.template, before)) out.invalid("spec.template", spec.template, "field is immutable");
  for (const field of fixed) validateImmutable(spec[field], old[field], `spec.${field}`, out);
}

/** Of an elastic Job as many complete as run at once, and both change together (KEP-3715). */
function validateCompletionsUpdate(spec: JobSpec, old: JobSpec, out: Causes): void {
  const path = "spec.completions";
  if (spec.completionMode !== "Indexed") return validateImmutable(spec.completions, old.completions, path, out);
  if (spec.completions === undefined || spec.completions === old.completions) return;
  if (spec.completions === spec.parallelism) return;
  out.invalid(path, spec.completions, "can only be modified in tandem with spec.parallelism");
}

/** Until a suspended Job runs, a queue may say where its pods go (KEP-2926): the old template with the new one's say of that. */
function withDirectivesOf(template: JobSpec["template"], old: JobSpec["template"]): PodTemplate {
  const { nodeSelector, tolerations, schedulingGates, affinity } = template?.spec ?? {};
  const others = { ...old?.spec?.affinity, nodeAffinity: affinity?.nodeAffinity };
  const keepsAffinity = affinity !== undefined || !semanticEqual(others, {});
  const spec = {
    ...old?.spec,
    nodeSelector,
    tolerations,
    schedulingGates,
    affinity: keepsAffinity ? others : undefined,
  };
  const { labels, annotations } = template?.metadata ?? {};
  return { ...old, metadata: { ...old?.metadata, annotations, labels }, spec };
}
