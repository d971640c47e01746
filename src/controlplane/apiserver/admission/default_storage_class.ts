/** DefaultStorageClass: a claim that names no class gets the default one. */
import type { Lookup } from "../auth/lookup.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { defaultClass } from "./default_class.ts";
import { isAbout } from "./refusal.ts";

const defaultAnnotations = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];
const classAnnotation = "volume.beta.kubernetes.io/storage-class";

export class DefaultStorageClass implements AdmissionPlugin {
  readonly name = "DefaultStorageClass";
  readonly #lookup: Lookup;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  admit(request: AdmissionRequest): void {
    if (request.operation !== "CREATE" || !isAbout(request, "", "persistentvolumeclaims")) return;
    const claim = request.object!;
    const spec = (claim["spec"] ??= {}) as { storageClassName?: string };
    // The empty name is a wish: no class.
    if (spec.storageClassName !== undefined || claim.metadata.annotations?.[classAnnotation] !== undefined) return;
    const found = defaultClass(this.#lookup.list("storage.k8s.io/storageclasses"), defaultAnnotations);
    if (found) spec.storageClassName = found.metadata.name!;
  }
}
