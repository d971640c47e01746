/** Volumes of a pod. */
import type {
  V1ClusterTrustBundleProjection,
  V1DownwardAPIVolumeFile,
  V1KeyToPath,
  V1PersistentVolumeClaimTemplate,
  V1ProjectedVolumeSource,
  V1ServiceAccountTokenProjection,
} from "@kubernetes/client-node";
import { validateClaimSpec } from "../claim_spec.ts";
import type { Causes } from "../../validation/causes.ts";
import { validateDescendingPath, validateLocalPath } from "../../validation/common.ts";
import type { Json } from "../../validation/json.ts";
import { validateAnnotations, validateLabels, validateSelector } from "../../validation/labels.ts";
import { dns1123Label, dns1123Subdomain } from "../../validation/names.ts";
import { nanos } from "../../../../model/quantity.ts";
import { validateFieldRef, validateResourceRef, volumeFields } from "./env.ts";
import type { Volume } from "./model.ts";
import { secretRef, sharedSources, validateDriverName, type Source, type SourceCheck } from "./volume_sources.ts";

/** @param podName empty in a template, whose pods have names that are not known yet */
export interface VolumeContext {
  readonly podName: string;
  readonly isPod: boolean;
}

/** @returns the volumes that are right, by name, for mounts to refer to */
export function validateVolumes(
  volumes: readonly Volume[],
  context: VolumeContext,
  path: string,
  out: Causes,
): Map<string, Volume> {
  const found = new Map<string, Volume>();
  const made = new Set<string>();
  for (const { ephemeral, name = "" } of volumes)
    if (ephemeral && context.podName) made.add(`${context.podName}-${name}`);
  for (const [i, volume] of volumes.entries()) {
    const at = `${path}[${i}]`;
    const before = out.list.length;
    validateVolumeSource(volume, context, at, out);
    const { name = "" } = volume;
    if (name === "") out.required(`${at}.name`);
    else out.invalidEach(`${at}.name`, name, dns1123Label(name));
    if (found.has(name)) out.duplicate(`${at}.name`, name);
    if (out.list.length === before) found.set(name, volume);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && made.has(claim)) {
      const words = "must not reference a PVC that gets created for an ephemeral volume";
      out.invalid(`${at}.persistentVolumeClaim.claimName`, claim, words);
    }
  }
  return found;
}

function validateVolumeSource(volume: Volume, context: VolumeContext, path: string, out: Causes): void {
  const sources = Object.entries(volume).filter(([field, source]) => field !== "name" && source !== undefined);
  const order = Object.keys(podSources);
  sources.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  const [first, ...others] = sources;
  if (!first) return out.required(path, "must specify a volume type");
  podSources[first[0]]?.(first[1] as Source, `${path}.${first[0]}`, out);
  for (const [field] of others) out.forbidden(`${path}.${field}`, "may not specify more than 1 volume type");
  if (volume.image && context.isPod && !volume.image.reference) out.required(`${path}.image.reference`);
  const { name = "" } = volume;
  if (volume.ephemeral && context.podName && name !== "") {
    const claim = `${context.podName}-${name}`;
    for (const message of dns1123Subdomain(claim)) {
      out.invalid(`${path}.name`, name, `PVC name ${JSON.stringify(claim)}: ${message}`);
    }
  }
}

const fileModeRange = "must be a number between 0 and 0777 (octal), both inclusive";

function validateMode(mode: number | undefined, path: string, out: Causes): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) out.invalid(path, mode, fileModeRange);
}

/** A ConfigMap or a Secret as files. */
function keyed(nameField: "name" | "secretName"): SourceCheck {
  return (source, path, out) => {
    if (!source[nameField]) out.required(`${path}.${nameField}`);
    validateMode(source["defaultMode"] as number | undefined, `${path}.defaultMode`, out);
    validateKeys((source["items"] ?? []) as Json<V1KeyToPath>[], path, out);
  };
}

function validateKeys(items: readonly Json<V1KeyToPath>[], path: string, out: Causes): void {
  for (const [i, item] of items.entries()) {
    const at = `${path}.items[${i}]`;
    if (!item.key) out.required(`${at}.key`);
    if (!item.path) out.required(`${at}.path`);
    validateLocalPath(item.path ?? "", `${at}.path`, out);
    validateMode(item.mode, `${at}.mode`, out);
  }
}

const downwardApi: SourceCheck = (source, path, out) => {
  validateMode(source["defaultMode"] as number | undefined, `${path}.defaultMode`, out);
  // Upstream names files by their volume, without the index.
  for (const file of (source["items"] ?? []) as Json<V1DownwardAPIVolumeFile>[]) validateDownwardFile(file, path, out);
};

function validateDownwardFile(file: Json<V1DownwardAPIVolumeFile>, path: string, out: Causes): void {
  if (!file.path) out.required(`${path}.path`);
  validateLocalPath(file.path ?? "", `${path}.path`, out);
  const { fieldRef, resourceFieldRef } = file;
  if (fieldRef) validateFieldRef(fieldRef, volumeFields, `${path}.fieldRef`, out);
  if (fieldRef && resourceFieldRef) {
    out.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
  } else if (resourceFieldRef) validateResourceRef(resourceFieldRef, true, `${path}.resourceFieldRef`, out);
  else if (!fieldRef) out.required(path, "one of fieldRef and resourceFieldRef is required");
  validateMode(file.mode, `${path}.mode`, out);
}

const projected: SourceCheck = (source, path, out) => {
  const volume = source as Json<V1ProjectedVolumeSource>;
  validateMode(volume.defaultMode, `${path}.defaultMode`, out);
  const paths = new Set<string>();
  const claimPath = (file: string, value: string): void => {
    if (file !== "" && paths.has(file)) out.invalid(path, value, "conflicting duplicate paths");
    paths.add(file);
  };
  for (const [i, item] of (volume.sources ?? []).entries()) {
    const at = `${path}.sources[${i}]`;
    for (const kind of ["secret", "configMap"] as const) {
      const keys = item[kind];
      if (!keys) continue;
      if (!keys.name) out.required(`${at}.${kind}.name`);
      validateKeys(keys.items ?? [], `${at}.${kind}`, out);
      for (const key of keys.items ?? []) claimPath(key.path ?? "", keys.name ?? "");
    }
    for (const file of item.downwardAPI?.items ?? []) {
      validateDownwardFile(file, `${at}.downwardAPI`, out);
      claimPath(file.path ?? "", file.path ?? "");
    }
    if (item.serviceAccountToken) validateToken(item.serviceAccountToken, `${at}.serviceAccountToken`, path, out);
    if (item.clusterTrustBundle) {
      validateTrustBundle(item.clusterTrustBundle, `${at}.clusterTrustBundle`, out);
      claimPath(item.clusterTrustBundle.path ?? "", item.clusterTrustBundle.path ?? "");
    }
    const kinds = Object.values(item).filter((kind) => kind !== undefined);
    if (kinds.length > 1) out.forbidden(at, "may not specify more than 1 volume type per source");
  }
};

const minTokenSeconds = 600;

function validateToken(token: Json<V1ServiceAccountTokenProjection>, at: string, path: string, out: Causes): void {
  const seconds = token.expirationSeconds ?? 0;
  if (seconds < minTokenSeconds) {
    out.invalid(`${at}.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes");
  }
  if (seconds > 2 ** 32) {
    out.invalid(`${at}.expirationSeconds`, seconds, "may not specify a duration larger than 2^32 seconds");
  }
  if (!token.path) out.required(`${path}.path`);
  else validateLocalPath(token.path, `${path}.path`, out);
}

function validateTrustBundle(bundle: Json<V1ClusterTrustBundleProjection>, at: string, out: Causes): void {
  const { name, signerName, labelSelector } = bundle;
  if (name !== undefined && signerName !== undefined) {
    out.invalid(at, bundle, "only one of name and signerName may be used");
  } else if (name !== undefined) {
    if (name === "") out.required(`${at}.name`, "must be a valid object name");
    if (labelSelector) {
      out.invalid(`${at}.labelSelector`, labelSelector, "labelSelector must be unset if name is specified");
    }
  } else if (signerName !== undefined) {
    if (signerName === "") out.required(`${at}.signerName`, "must be a valid signer name");
    validateSelector(labelSelector, `${at}.labelSelector`, out);
  } else out.required(at, "either name or signerName must be specified");
  if (!bundle.path) out.required(`${at}.path`);
  validateLocalPath(bundle.path ?? "", `${at}.path`, out);
}

/** The only fields of metadata that a template of claims may have. */
const templateFields: readonly string[] = ["annotations", "labels"];

const ephemeral: SourceCheck = (source, path, out) => {
  const template = source["volumeClaimTemplate"] as Json<V1PersistentVolumeClaimTemplate> | undefined;
  const at = `${path}.volumeClaimTemplate`;
  if (!template) return out.required(at);
  validateAnnotations(template.metadata?.annotations, `${at}.metadata.annotations`, out);
  validateLabels(template.metadata?.labels, `${at}.metadata.labels`, out);
  for (const field of Object.keys(template.metadata ?? {})) {
    if (!templateFields.includes(field)) out.forbidden(`${at}.metadata.${field}`, "cannot be set");
  }
  validateClaimSpec(template.spec ?? {}, `${at}.spec`, out);
};

const pullPolicies: readonly string[] = ["Always", "IfNotPresent", "Never"];

/** Every volume of a pod, in the order in which upstream takes the first of several. */
const podSources: Readonly<Record<string, SourceCheck>> = {
  emptyDir: (source, path, out) => {
    if (nanos(source["sizeLimit"] as string | undefined) < 0n) {
      out.forbidden(`${path}.sizeLimit`, "SizeLimit field must be a valid resource quantity");
    }
  },
  gitRepo: (source, path, out) => {
    if (!source["repository"]) out.required(`${path}.repository`);
    validateDescendingPath((source["directory"] as string | undefined) ?? "", `${path}.directory`, out);
  },
  secret: keyed("secretName"),
  persistentVolumeClaim: (source, path, out) => {
    if (!source["claimName"]) out.required(`${path}.claimName`);
  },
  downwardAPI: downwardApi,
  configMap: keyed("name"),
  projected,
  ...sharedSources,
  cinder: (source, path, out) => {
    sharedSources["cinder"]!(source, path, out);
    secretRef(source, "secretRef", ["name"], path, out);
  },
  storageos: (source, path, out) => {
    sharedSources["storageos"]!(source, path, out);
    secretRef(source, "secretRef", ["name"], path, out);
  },
  csi: (source, path, out) => {
    validateDriverName(source["driver"] as string | undefined, `${path}.driver`, out);
    secretRef(source, "nodePublishSecretRef", ["name"], path, out);
  },
  ephemeral,
  image: (source, path, out) =>
    out.enum(`${path}.pullPolicy`, source["pullPolicy"] as string | undefined, pullPolicies),
};
