/** Namespaces (pkg/registry/core/namespace). */
import type { V1NamespaceSpec, V1NamespaceStatus } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { causesOf } from "../validation/causes.ts";
import { ensurePart, partOf } from "../validation/json.ts";
import { validateFinalizer } from "../validation/metadata.ts";

const contentFinalizer = "kubernetes";

/** A label that selectors can name a namespace by (KEP-2161); one without a name yet gets it when it is prepared. */
function labelName({ metadata }: ApiObject): void {
  if (metadata.name) metadata.labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
}

export const namespace: Strategy = {
  defaults: labelName,

  prepareCreate(object) {
    labelName(object);
    const spec = ensurePart<V1NamespaceSpec>(object, "spec");
    const others = (spec.finalizers ?? []).filter((finalizer) => finalizer !== contentFinalizer);
    spec.finalizers = [...others, contentFinalizer];
    object["status"] = { phase: "Active" };
  },

  prepareUpdate(object, old, subresource) {
    // They go through the subresource alone, once what is in the namespace is gone.
    if (subresource !== "finalize") object["spec"] = old["spec"] ?? {};
    labelName(object);
  },

  validateCreate(object) {
    const { finalizers = [] } = partOf<V1NamespaceSpec>(object, "spec");
    return causesOf((out) => {
      for (const finalizer of finalizers) validateFinalizer(finalizer, "spec.finalizers", out);
    });
  },

  validateUpdate(object, _old, subresource) {
    return causesOf((out) => {
      if (subresource === "finalize") {
        const { finalizers = [] } = partOf<V1NamespaceSpec>(object, "spec");
        for (const [i, finalizer] of finalizers.entries()) validateFinalizer(finalizer, `spec.finalizers[${i}]`, out);
      }
      if (subresource !== "status") return;
      const { phase = "" } = partOf<V1NamespaceStatus>(object, "status");
      const isLeaving = object.metadata.deletionTimestamp !== undefined;
      if (phase === (isLeaving ? "Terminating" : "Active")) return;
      const words = isLeaving
        ? "may only be 'Terminating' if `deletionTimestamp` is not empty"
        : "may only be 'Active' if `deletionTimestamp` is empty";
      out.invalid("status.Phase", phase, words);
    });
  },
};
