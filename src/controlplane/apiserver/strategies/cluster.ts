/** The smaller kinds: leases, priority classes, runtime classes. */
import type { V1LeaseSpec, V1RuntimeClass } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { validateImmutable, validateName } from "../validation/common.ts";
import { partOf, type Json } from "../validation/json.ts";
import { validateLabels } from "../validation/labels.ts";
import { dns1123Label } from "../validation/names.ts";
import { validateContainerResources } from "../validation/resources.ts";
import { validateTolerations } from "./pod/scheduling.ts";

export const lease: Strategy = {
  validateCreate: (object) => causesOf((out) => validateLease(partOf<V1LeaseSpec>(object, "spec"), out)),
  validateUpdate: (object) => causesOf((out) => validateLease(partOf<V1LeaseSpec>(object, "spec"), out)),
};

function validateLease(spec: Json<V1LeaseSpec>, out: Causes): void {
  const { leaseDurationSeconds: seconds, leaseTransitions, strategy, preferredHolder } = spec;
  if (seconds !== undefined && seconds <= 0)
    out.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0");
  out.nonNegative("spec.leaseTransitions", leaseTransitions);
  if (preferredHolder && !strategy) {
    out.forbidden("spec.preferredHolder", "may only be specified when `strategy` is defined");
  }
}

/** Pods of the system stand above all that users may ask for. */
const highestOfUsers = 1_000_000_000;
const systemClasses: Readonly<Record<string, { value: number }>> = {
  "system-node-critical": { value: 2_000_001_000 },
  "system-cluster-critical": { value: 2_000_000_000 },
};

export const priorityClass: Strategy = {
  defaults(object) {
    object["preemptionPolicy"] ??= "PreemptLowerPriority";
    object["value"] ??= 0;
  },
  validateCreate: (object) => causesOf((out) => validatePriority(object, out)),
  validateUpdate(object, old) {
    return causesOf((out) => {
      if (object["value"] !== old["value"]) out.invalid("value", object["value"], "field is immutable");
      validateImmutable(object["preemptionPolicy"], old["preemptionPolicy"], "preemptionPolicy", out);
    });
  },
};

function validatePriority(object: ApiObject, out: Causes): void {
  const name = object.metadata.name ?? "";
  const value = object["value"] as number;
  if (name.startsWith("system-")) {
    const known = Object.hasOwn(systemClasses, name) ? systemClasses[name] : undefined;
    if (known?.value !== value || object["globalDefault"] === true) {
      const words = known
        ? `value of ${name} PriorityClass must be ${known.value}`
        : `${name} PriorityClass is not a known system priority class`;
      const prefix = "priority class names with 'system-' prefix are reserved for system use only. error: ";
      out.forbidden("metadata.name", prefix + words);
    }
  } else if (value > highestOfUsers) {
    const words = `maximum allowed value of a user defined priority is ${highestOfUsers}`;
    out.forbidden("value", words);
  }
  const policy = object["preemptionPolicy"] as string | undefined;
  if (policy !== undefined) out.enum("preemptionPolicy", policy, ["PreemptLowerPriority", "Never"]);
}

type RuntimeClass = Json<Pick<V1RuntimeClass, "handler" | "overhead" | "scheduling">>;

export const runtimeClass: Strategy = {
  validateCreate: (object) => causesOf((out) => validateRuntimeClass(object as RuntimeClass, out)),
  validateUpdate: (object, old) =>
    causesOf((out) => validateImmutable(object["handler"], old["handler"], "handler", out)),
};

function validateRuntimeClass({ handler, overhead, scheduling }: RuntimeClass, out: Causes): void {
  validateName(handler, "handler", dns1123Label, out);
  if (overhead) validateContainerResources({ limits: overhead.podFixed }, new Set(), "overhead.podFixed", out);
  if (!scheduling) return;
  validateLabels(scheduling.nodeSelector, "scheduling.nodeSelector", out);
  validateTolerations(scheduling.tolerations ?? [], "scheduling.tolerations", out);
}
