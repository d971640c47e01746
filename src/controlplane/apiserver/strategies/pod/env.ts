/** Environment of a container, and the references into a pod that env and volumes share. */
import type {
  V1EnvFromSource,
  V1EnvVar,
  V1EnvVarSource,
  V1ObjectFieldSelector,
  V1ResourceFieldSelector,
} from "@kubernetes/client-node";
import type { Causes } from "../../validation/causes.ts";
import { validateName, validateOptionalName } from "../../validation/common.ts";
import type { Json } from "../../validation/json.ts";
import { configMapKey, dns1123Subdomain, envVarName, qualifiedName } from "../../validation/names.ts";
import { canonicalQuantity, nanos } from "../../../../model/quantity.ts";

const envFields: readonly string[] = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
export const volumeFields: readonly string[] = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];
/** What a field path may name at all (ConvertDownwardAPIFieldLabel). */
const knownFields: readonly string[] = [...envFields, ...volumeFields, "spec.restartPolicy", "spec.schedulerName"];
const resourceFields: readonly string[] = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

export function validateEnv(env: readonly Json<V1EnvVar>[], path: string, out: Causes): void {
  for (const [i, { name, value, valueFrom }] of env.entries()) {
    validateName(name, `${path}[${i}].name`, envVarName, out);
    if (valueFrom) validateValueFrom(valueFrom, value ?? "", `${path}[${i}].valueFrom`, out);
  }
}

function validateValueFrom(source: Json<V1EnvVarSource>, value: string, path: string, out: Causes): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source;
  if (fieldRef) validateFieldRef(fieldRef, envFields, `${path}.fieldRef`, out);
  if (resourceFieldRef) validateResourceRef(resourceFieldRef, false, `${path}.resourceFieldRef`, out);
  for (const [ref, field] of [
    [configMapKeyRef, "configMapKeyRef"],
    [secretKeyRef, "secretKeyRef"],
  ] as const) {
    if (!ref) continue;
    out.invalidEach(`${path}.${field}.name`, ref.name ?? "", dns1123Subdomain(ref.name ?? ""));
    validateName(ref.key, `${path}.${field}.key`, configMapKey, out);
  }
  const count = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef].filter(Boolean).length;
  if (count === 0) {
    out.invalid(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`");
  } else if (value !== "") out.invalid(path, "", "may not be specified when `value` is not empty");
  else if (count > 1) out.invalid(path, "", "may not have more than one field specified at a time");
}

export function validateEnvFrom(sources: readonly Json<V1EnvFromSource>[], path: string, out: Causes): void {
  for (const [i, { prefix, configMapRef, secretRef }] of sources.entries()) {
    validateOptionalName(prefix, `${path}[${i}].prefix`, envVarName, out);
    if (configMapRef) validateName(configMapRef.name, `${path}[${i}].configMapRef.name`, dns1123Subdomain, out);
    if (secretRef) validateName(secretRef.name, `${path}[${i}].secretRef.name`, dns1123Subdomain, out);
    if (!configMapRef && !secretRef) out.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`");
    if (configMapRef && secretRef) out.invalid(path, "", "may not have more than one field specified at a time");
  }
}

/** A field of the pod: `metadata.labels['x']`, `status.podIP`. */
export function validateFieldRef(
  ref: Json<V1ObjectFieldSelector>,
  allowed: readonly string[],
  path: string,
  out: Causes,
): void {
  if (!ref.apiVersion) return out.required(`${path}.apiVersion`);
  if (!ref.fieldPath) return out.required(`${path}.fieldPath`);
  const { fieldPath, apiVersion } = ref;
  const subscript = /^(.*)\['(.*)'\]$/.exec(fieldPath);
  const base = subscript?.[1] ?? fieldPath;
  const canHaveSubscript = base === "metadata.labels" || base === "metadata.annotations";
  if (apiVersion !== "v1") {
    const words = `error converting fieldPath: unsupported pod version: ${apiVersion}`;
    return out.invalid(`${path}.fieldPath`, fieldPath, words);
  }
  if (subscript ? !canHaveSubscript : !knownFields.includes(fieldPath)) {
    const words = subscript
      ? `error converting fieldPath: field label does not support subscript: ${fieldPath}`
      : `error converting fieldPath: field label not supported: ${fieldPath}`;
    return out.invalid(`${path}.fieldPath`, fieldPath, words);
  }
  if (subscript) {
    const key = base === "metadata.annotations" ? subscript[2]!.toLowerCase() : subscript[2]!;
    out.invalidEach(path, key, qualifiedName(key));
  } else if (!allowed.includes(fieldPath)) out.notSupported(`${path}.fieldPath`, fieldPath, [...allowed].sort());
}

/** A limit or a request of a container. @param inVolume where it must say of which container */
export function validateResourceRef(
  ref: Json<V1ResourceFieldSelector>,
  inVolume: boolean,
  path: string,
  out: Causes,
): void {
  const { containerName, resource = "", divisor } = ref;
  const isHugePages = /^(limits|requests)\.hugepages-/.test(resource);
  if (inVolume && !containerName) out.required(`${path}.containerName`);
  else if (resource === "") out.required(`${path}.resource`);
  else if (!isHugePages && !resourceFields.includes(resource)) {
    out.notSupported(`${path}.resource`, resource, resourceFields);
  }
  if (divisor !== undefined && nanos(divisor) !== 0n) validateDivisor(resource, divisor, `${path}.divisor`, out);
}

const divisors = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";

function validateDivisor(resource: string, divisor: string, path: string, out: Causes): void {
  const unit = canonicalQuantity(divisor);
  const name = resource.replace(/^(limits|requests)\./, "");
  if (name === "cpu") {
    if (unit !== "1m" && unit !== "1") {
      out.invalid(path, resource, "only divisor's values 1m and 1 are supported with the cpu resource");
    }
    return;
  }
  const what: Record<string, string> = { memory: "memory", "ephemeral-storage": "local ephemeral storage" };
  const called = name.startsWith("hugepages-") ? "hugepages" : what[name];
  if (called !== undefined && !divisors.split(", ").includes(unit)) {
    out.invalid(path, resource, `only divisor's values ${divisors} are supported with the ${called} resource`);
  }
}
