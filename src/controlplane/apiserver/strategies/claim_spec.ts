/** The spec of a PersistentVolumeClaim: of claims themselves, and of the templates in pods and StatefulSets. */
import type { V1PersistentVolumeClaimSpec } from "@kubernetes/client-node";
import type { Causes } from "../validation/causes.ts";
import { validateOptionalName } from "../validation/common.ts";
import type { Json } from "../validation/json.ts";
import { validateSelector } from "../validation/labels.ts";
import { dns1123Label, dns1123Subdomain } from "../validation/names.ts";
import { canonicalQuantity, nanos } from "../../../model/quantity.ts";

export type ClaimSpec = Json<V1PersistentVolumeClaimSpec>;

export const accessModes: readonly string[] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
export const volumeModes: readonly string[] = ["Block", "Filesystem"];

export function validateClaimSpec(spec: ClaimSpec, path: string, out: Causes): void {
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) out.required(`${path}.accessModes`, "at least 1 access mode is required");
  validateSelector(spec.selector, `${path}.selector`, out);
  validateAccessModes(modes, `${path}.accessModes`, out);
  const storage = spec.resources?.requests?.["storage"];
  const at = `${path}.resources[storage]`;
  if (storage === undefined) out.required(at);
  else if (nanos(storage) <= 0n) out.invalid(at, canonicalQuantity(storage), "must be greater than zero");
  validateOptionalName(spec.storageClassName, `${path}.storageClassName`, dns1123Subdomain, out);
  validateOptionalName(spec.volumeAttributesClassName, `${path}.volumeAttributesClassName`, dns1123Subdomain, out);
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    out.notSupported(`${path}.volumeMode`, spec.volumeMode, volumeModes);
  }
  validateDataSources(spec, path, out);
}

export function validateAccessModes(modes: readonly string[], path: string, out: Causes): void {
  for (const mode of modes) if (!accessModes.includes(mode)) out.notSupported(path, mode, accessModes);
  const known = modes.filter((mode) => accessModes.includes(mode));
  if (known.includes("ReadWriteOncePod") && known.some((mode) => mode !== "ReadWriteOncePod")) {
    out.forbidden(path, "may not use ReadWriteOncePod with other access modes");
  }
}

function validateDataSources({ dataSource, dataSourceRef }: ClaimSpec, path: string, out: Causes): void {
  if (dataSource) validateDataSource(dataSource, `${path}.dataSource`, out);
  if (dataSourceRef) {
    validateDataSource(dataSourceRef, `${path}.dataSourceRef`, out);
    validateOptionalName(dataSourceRef.namespace, `${path}.dataSourceRef.namespace`, dns1123Label, out);
  }
  if (!dataSource || !dataSourceRef) return;
  if (dataSourceRef.namespace) {
    out.invalid(path, `${path}.dataSource`, "may not be specified when dataSourceRef.namespace is specified");
  } else if ((["apiGroup", "kind", "name"] as const).some((field) => dataSource[field] !== dataSourceRef[field])) {
    out.invalid(path, `${path}.dataSource`, "must match dataSourceRef");
  }
}

type DataSource = NonNullable<ClaimSpec["dataSource"]>;

function validateDataSource({ name, kind, apiGroup }: DataSource, path: string, out: Causes): void {
  if (!name) out.required(`${path}.name`);
  if (!kind) out.required(`${path}.kind`);
  if (!apiGroup && kind !== "PersistentVolumeClaim") {
    out.invalid(path, kind ?? "", "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
  validateOptionalName(apiGroup, `${path}.apiGroup`, dns1123Subdomain, out);
}
