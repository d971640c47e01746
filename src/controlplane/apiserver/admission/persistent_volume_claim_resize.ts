/** PersistentVolumeClaimResize: a claim grows only where its class lets it. */
import type { Lookup } from "../auth/lookup.ts";
import type { ApiObject } from "../resources/resource.ts";
import { nanos } from "../../../model/quantity.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { isAbout, refused } from "./refusal.ts";

interface ClaimSpec {
  readonly storageClassName?: string;
  readonly resources?: { readonly requests?: { readonly storage?: string } };
}

export class PersistentVolumeClaimResize implements AdmissionPlugin {
  readonly name = "PersistentVolumeClaimResize";
  readonly #lookup: Lookup;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  validate(request: AdmissionRequest): void {
    const { operation, object, old } = request;
    if (operation !== "UPDATE" || !object || !old || !isAbout(request, "", "persistentvolumeclaims")) return;
    if (sizeOf(object) <= sizeOf(old)) return;
    if ((old["status"] as { phase?: string } | undefined)?.phase !== "Bound") {
      throw refused(request, "Only bound persistent volume claims can be expanded");
    }
    const name = (old["spec"] as ClaimSpec).storageClassName;
    const found = name ? this.#lookup.get("storage.k8s.io/storageclasses", "", name) : undefined;
    if (found?.["allowVolumeExpansion"] === true) return;
    throw refused(
      request,
      "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    );
  }
}

function sizeOf(claim: ApiObject): bigint {
  return nanos((claim["spec"] as ClaimSpec | undefined)?.resources?.requests?.storage);
}
