/** StorageObjectInUseProtection: claims and volumes do not go while they are in use. */
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { isAbout } from "./refusal.ts";

const finalizers: Readonly<Record<string, string>> = {
  persistentvolumeclaims: "kubernetes.io/pvc-protection",
  persistentvolumes: "kubernetes.io/pv-protection",
};

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  admit(request: AdmissionRequest) {
    const { operation, resource, object } = request;
    const finalizer = finalizers[resource.plural];
    if (operation !== "CREATE" || !object || finalizer === undefined || !isAbout(request, "", resource.plural)) return;
    const had = object.metadata.finalizers ?? [];
    if (!had.includes(finalizer)) object.metadata.finalizers = [...had, finalizer];
  },
};
