/** PersistentVolumes (pkg/apis/core). */
import type {
  V1CSIPersistentVolumeSource,
  V1PersistentVolumeSpec,
  V1PersistentVolumeStatus,
} from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { validateImmutable, validateName, validateNoBacksteps, validateOptionalName } from "../validation/common.ts";
import { differences, semanticEqual } from "../../../model/equality.ts";
import { ensurePart, partOf, setDefault, type Json } from "../validation/json.ts";
import { dns1123Label, dns1123Subdomain } from "../validation/names.ts";
import { canonicalQuantity, nanos } from "../../../model/quantity.ts";
import { validateAccessModes, volumeModes } from "./claim_spec.ts";
import { validateNodeSelector } from "./pod/scheduling.ts";
import { secretRef, sharedSources, validateDriverName, type Source, type SourceCheck } from "./pod/volume_sources.ts";

type VolumeSpec = Json<V1PersistentVolumeSpec>;

export const persistentVolume: Strategy = {
  defaults(object) {
    const spec = ensurePart<V1PersistentVolumeSpec>(object, "spec");
    setDefault(spec, "persistentVolumeReclaimPolicy", "Retain");
    spec.volumeMode ??= "Filesystem";
    if (spec.hostPath) spec.hostPath.type ??= "";
  },

  prepareCreate(object) {
    object["status"] = { phase: "Pending", lastPhaseTransitionTime: timestamp(Date.now()) };
  },

  prepareUpdate(object, old, subresource) {
    if (subresource === "status") noteTransition(object, old);
  },

  validateCreate: (object) => causesOf((out) => validateVolume(partOf<V1PersistentVolumeSpec>(object, "spec"), out)),

  validateUpdate(object, old, subresource) {
    if (subresource === "status") return [];
    return causesOf((out) => {
      const spec = partOf<V1PersistentVolumeSpec>(object, "spec");
      const before = partOf<V1PersistentVolumeSpec>(old, "spec");
      validateVolume(spec, out);
      validateSourceUpdate(spec, before, out);
      validateImmutable(spec.volumeMode, before.volumeMode, "volumeMode", out);
      if (before.nodeAffinity && !isSameAffinity(spec.nodeAffinity, before.nodeAffinity)) {
        const words = "field is immutable, except for updating from beta label to GA";
        out.invalid("nodeAffinity", spec.nodeAffinity, words);
      }
    });
  },
};

/** Labels of nodes that got another name when they became stable (corev1.LabelFailureDomainBetaZone and others). */
const stableLabels: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
  "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
  "beta.kubernetes.io/os": "kubernetes.io/os",
  "beta.kubernetes.io/arch": "kubernetes.io/arch",
};

type NodeAffinity = VolumeSpec["nodeAffinity"];

/** The same, or the same but for older labels that the new one names by their stable names. */
function isSameAffinity(affinity: NodeAffinity, old: NodeAffinity): boolean {
  if (semanticEqual(affinity, old)) return true;
  const renamed = structuredClone(old);
  for (const [i, { matchExpressions = [] }] of (renamed?.required?.nodeSelectorTerms ?? []).entries()) {
    for (const [j, expression] of matchExpressions.entries()) {
      const key = affinity?.required?.nodeSelectorTerms?.[i]?.matchExpressions?.[j]?.key;
      if (key !== undefined && stableLabels[expression.key ?? ""] === key) expression.key = key;
    }
  }
  return semanticEqual(affinity, renamed);
}

/** KEP-3762: the server notes when the phase changed, unless the client does. */
function noteTransition(object: ApiObject, old: ApiObject): void {
  const status = ensurePart<V1PersistentVolumeStatus>(object, "status");
  const before = partOf<V1PersistentVolumeStatus>(old, "status");
  const noted = before.lastPhaseTransitionTime;
  if (status.phase !== before.phase) {
    const isGiven = status.lastPhaseTransitionTime && status.lastPhaseTransitionTime !== noted;
    if (!isGiven) status.lastPhaseTransitionTime = timestamp(Date.now());
  } else if (noted) status.lastPhaseTransitionTime ??= noted;
}

const secretFields = [
  "controllerPublishSecretRef",
  "controllerExpandSecretRef",
  "nodePublishSecretRef",
  "nodeExpandSecretRef",
] as const;

const csi: SourceCheck = (source, path, out) => {
  const driver = source as Json<V1CSIPersistentVolumeSource>;
  validateDriverName(driver.driver, `${path}.driver`, out);
  if (!driver.volumeHandle) out.required(`${path}.volumeHandle`);
  for (const field of secretFields) {
    const ref = driver[field];
    if (!ref) continue;
    validateName(ref.name, `${path}.${field}.name`, dns1123Subdomain, out);
    validateName(ref.namespace, `${path}.${field}.namespace`, dns1123Label, out);
  }
};

/** A driver that pods have too, with a Secret of any namespace. */
function withSecret(field: "cinder" | "storageos"): SourceCheck {
  return (source, path, out) => {
    sharedSources[field]!(source, path, out);
    secretRef(source, "secretRef", ["name", "namespace"], path, out);
  };
}

/** By field of the spec. */
const sources: Readonly<Record<string, SourceCheck>> = {
  ...sharedSources,
  cinder: withSecret("cinder"),
  storageos: withSecret("storageos"),
  local: (source, path, out) => {
    const where = source["path"] as string | undefined;
    if (!where) out.required(`${path}.path`);
    else validateNoBacksteps(where, `${path}.path`, out);
  },
  csi,
};

const reclaimPolicies: readonly string[] = ["Delete", "Recycle", "Retain"];

function validateVolume(spec: VolumeSpec, out: Causes): void {
  if ((spec.accessModes ?? []).length === 0) out.required("spec.accessModes");
  validateAccessModes(spec.accessModes ?? [], "spec.accessModes", out);
  validateCapacity(spec, out);
  const policy = spec.persistentVolumeReclaimPolicy;
  const policyPath = "spec.persistentVolumeReclaimPolicy";
  if (policy && !reclaimPolicies.includes(policy)) out.notSupported(policyPath, policy, reclaimPolicies);
  if (spec.nodeAffinity) {
    if (spec.nodeAffinity.required) validateNodeSelector(spec.nodeAffinity.required, "spec.nodeAffinity.required", out);
    else out.required("spec.nodeAffinity.required", "must specify required node constraints");
  }
  validateSource(spec, out);
  if (policy === "Recycle" && /^\/+$/.test(spec.hostPath?.path ?? "")) {
    out.forbidden(policyPath, "may not be 'recycle' for a hostPath mount of '/'");
  }
  validateOptionalName(spec.storageClassName, "spec.storageClassName", dns1123Subdomain, out);
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    out.notSupported("spec.volumeMode", spec.volumeMode, volumeModes);
  }
  const attributes = spec.volumeAttributesClassName;
  if (attributes === undefined) return;
  if (attributes === "") out.required("spec.volumeAttributesClassName", "an empty string is disallowed");
  validateOptionalName(attributes, "spec.volumeAttributesClassName", dns1123Subdomain, out);
  if (!spec.csi) out.required("spec.csi", "has to be specified when using volumeAttributesClassName");
}

function validateCapacity({ capacity = {} }: VolumeSpec, out: Causes): void {
  const path = "spec.capacity";
  const names = Object.keys(capacity);
  if (names.length === 0) out.required(path);
  if (!names.includes("storage") || names.length > 1) out.notSupported(path, capacity, ["storage"]);
  for (const [name, amount] of Object.entries(capacity)) {
    if (nanos(amount) < 0n)
      out.invalid(`${path}[${name}]`, canonicalQuantity(amount), "must be a valid resource quantity");
    if (nanos(amount) <= 0n) out.invalid(`${path}[${name}]`, canonicalQuantity(amount), "must be greater than zero");
  }
}

function sourcesOf(spec: VolumeSpec): [string, Source][] {
  return Object.keys(sources).flatMap((field): [string, Source][] => {
    const source = (spec as Record<string, unknown>)[field];
    return source === undefined ? [] : [[field, source as Source]];
  });
}

function validateSource(spec: VolumeSpec, out: Causes): void {
  const [first, ...others] = sourcesOf(spec);
  if (!first) return out.required("spec", "must specify a volume type");
  sources[first[0]]!(first[1], `spec.${first[0]}`, out);
  if (first[0] === "local" && !spec.nodeAffinity)
    out.required("spec.nodeAffinity", "Local volume requires node affinity");
  for (const [field] of others) out.forbidden(`spec.${field}`, "may not specify more than 1 volume type");
}

/** Where the data is does not change; a Secret for growing may be named later. */
function validateSourceUpdate(spec: VolumeSpec, old: VolumeSpec, out: Causes): void {
  const after = Object.fromEntries(sourcesOf(spec));
  const before = Object.fromEntries(sourcesOf(old));
  if (before["csi"] && after["csi"] && before["csi"]["controllerExpandSecretRef"] === undefined) {
    after["csi"] = { ...after["csi"], controllerExpandSecretRef: undefined };
  }
  if (semanticEqual(after, before)) return;
  const changes = differences(before, after, "spec").join("\n");
  out.forbidden("spec.persistentvolumesource", `spec.persistentvolumesource is immutable after creation\n${changes}`);
}
