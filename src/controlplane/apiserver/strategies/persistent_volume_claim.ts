/** PersistentVolumeClaims (pkg/apis/core). */
import type { V1PersistentVolumeClaimSpec, V1PersistentVolumeClaimStatus } from "@kubernetes/client-node";
import { canonicalQuantity, nanos } from "../../../model/quantity.ts";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { validateImmutable } from "../validation/common.ts";
import { differences, semanticEqual } from "../../../model/equality.ts";
import { ensurePart, partOf, type Json } from "../validation/json.ts";
import { qualifiedName } from "../validation/names.ts";
import { isNative } from "../validation/resources.ts";
import { validateClaimSpec, type ClaimSpec } from "./claim_spec.ts";
import { defaultClaimSpec } from "./pod/defaults.ts";

const claimOf = (object: ApiObject): ClaimSpec => partOf<V1PersistentVolumeClaimSpec>(object, "spec");

export const persistentVolumeClaim: Strategy = {
  defaults: (object) => defaultClaimSpec(ensurePart<V1PersistentVolumeClaimSpec>(object, "spec")),

  prepareCreate(object) {
    object["status"] = { phase: "Pending" };
    pairDataSources(claimOf(object));
  },

  validateCreate: (object) => causesOf((out) => validateClaimSpec(claimOf(object), "spec", out)),

  validateUpdate(object, old, subresource) {
    return causesOf((out) => {
      const status = partOf<V1PersistentVolumeClaimStatus>(old, "status");
      if (subresource === "status") return validateClaimStatus(object, out);
      validateClaimSpec(claimOf(object), "spec", out);
      const mayName = validateClass(object, old, out);
      validateClaimUpdate(claimOf(object), claimOf(old), status, mayName, out);
    });
  },
};

const classAnnotation = "volume.beta.kubernetes.io/storage-class";

/** The annotation that came before the field may become the field. @returns whether a class may be named now */
function validateClass(object: ApiObject, old: ApiObject, out: Causes): boolean {
  const before = old.metadata.annotations?.[classAnnotation];
  const after = object.metadata.annotations?.[classAnnotation];
  const { storageClassName } = claimOf(object);
  const isMoved = before !== undefined && storageClassName === before && (after === undefined || after === before);
  if (!isMoved) validateImmutable(after, before, `metadata.annotations.${classAnnotation}`, out);
  return before === undefined || storageClassName === before;
}

/** The older field and the newer say the same, unless the newer reaches into another namespace. */
function pairDataSources(spec: ClaimSpec): void {
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
  else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    const { apiGroup, kind } = spec.dataSourceRef;
    const isKnown = (!apiGroup && kind === "PersistentVolumeClaim") || kind === "VolumeSnapshot";
    if (isKnown) spec.dataSource = { ...spec.dataSourceRef };
  }
}

const resizeStatuses: readonly string[] = [
  "ControllerResizeInProgress",
  "ControllerResizeInfeasible",
  "NodeResizeInProgress",
  "NodeResizeInfeasible",
  "NodeResizePending",
].sort();

function validateClaimStatus(object: ApiObject, out: Causes): void {
  const status = partOf<V1PersistentVolumeClaimStatus>(object, "status");
  validateAmounts(status.capacity ?? {}, "status.capacity", out);
  // Upstream's own spelling.
  const path = "status.allocatedResourceStatus";
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    validateKey(name, path, out);
    if (!resizeStatuses.includes(state)) out.notSupported(path, name, resizeStatuses);
  }
  for (const [name, amount] of Object.entries(status.allocatedResources ?? {})) {
    if (validateKey(name, "status.allocatedResources", out)) {
      validateAmounts({ [name]: amount }, "status.allocatedResources", out);
    }
  }
}

function validateAmounts(amounts: Readonly<Record<string, string>>, path: string, out: Causes): void {
  for (const [name, amount] of Object.entries(amounts)) {
    if (nanos(amount) >= 0n) continue;
    out.invalid(`${path}[${name}]`, canonicalQuantity(amount), "must be a valid resource quantity");
  }
}

/** Of resources without a domain of their own a claim has storage alone. */
function validateKey(name: string, path: string, out: Causes): boolean {
  const before = out.list.length;
  out.invalidEach(path, name, qualifiedName(name));
  if (out.list.length > before) return false;
  if (!isNative(name) || name === "storage") return true;
  out.notSupported(path, name, ["storage"]);
  return false;
}

function validateClaimUpdate(
  spec: ClaimSpec,
  old: ClaimSpec,
  status: Json<V1PersistentVolumeClaimStatus>,
  mayName: boolean,
  out: Causes,
): void {
  const size = spec.resources?.requests?.["storage"];
  const before = old.resources?.requests?.["storage"];
  const munged: ClaimSpec = structuredClone(spec);
  if (!old.volumeName) munged.volumeName = old.volumeName;
  if (old.storageClassName === undefined && mayName) munged.storageClassName = undefined;
  if (status.phase === "Bound" && munged.resources?.requests && before !== undefined) {
    munged.resources.requests["storage"] = before;
  }
  munged.volumeAttributesClassName = old.volumeAttributesClassName;
  if (!semanticEqual(munged, old)) {
    const words =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    out.forbidden("spec", `${words}\n${differences(old, munged, "spec").join("\n")}`);
  }
  if (nanos(size) < nanos(before) && nanos(size) <= nanos(status.capacity?.["storage"])) {
    out.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity");
  }
  validateImmutable(spec.volumeMode, old.volumeMode, "volumeMode", out);
  if (old.volumeAttributesClassName && !spec.volumeAttributesClassName) {
    const to = spec.volumeAttributesClassName === undefined ? "nil" : "an empty string";
    out.forbidden("spec.volumeAttributesClassName", `update from non-nil value to ${to} is forbidden`);
  }
}
