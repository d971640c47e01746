/** ConfigMaps, Secrets and ServiceAccounts (pkg/apis/core). */
import type { V1ConfigMap, V1Secret } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { validateImmutable } from "../validation/common.ts";
import { semanticEqual } from "../../../model/equality.ts";
import type { Json } from "../validation/json.ts";
import { configMapKey } from "../validation/names.ts";

type ConfigMapData = Json<Pick<V1ConfigMap, "data" | "binaryData">>;
type SecretData = Json<Pick<V1Secret, "data" | "stringData" | "type">>;

/** Of an object's values together, in bytes: 1 MiB. */
const maxSize = 1024 * 1024;
const immutableWords = "field is immutable when `immutable` is set";

/** Bytes that a base64 text stands for. */
function decodedSize(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return Math.floor((text.length * 3) / 4) - padding;
}

/** What `immutable` holds fast, the mark itself too. */
function validateHeld(object: ApiObject, old: ApiObject, fields: readonly string[], out: Causes): void {
  if (old["immutable"] !== true) return;
  if (object["immutable"] !== true) out.forbidden("immutable", immutableWords);
  for (const field of fields) if (!semanticEqual(object[field], old[field])) out.forbidden(field, immutableWords);
}

export const configMap: Strategy = {
  validateCreate: (object) => causesOf((out) => validateConfigMap(object as ConfigMapData, out)),
  validateUpdate(object, old) {
    return causesOf((out) => {
      validateHeld(object, old, ["data", "binaryData"], out);
      validateConfigMap(object as ConfigMapData, out);
    });
  },
};

function validateConfigMap({ data = {}, binaryData = {} }: ConfigMapData, out: Causes): void {
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    out.invalidEach(`data[${key}]`, key, configMapKey(key));
    if (Object.hasOwn(binaryData, key)) out.invalid(`data[${key}]`, key, "duplicate of key present in binaryData");
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    out.invalidEach(`binaryData[${key}]`, key, configMapKey(key));
    size += decodedSize(value);
  }
  // The whole object is meant.
  if (size > maxSize) out.tooLong("", maxSize);
}

export const secret: Strategy = {
  defaults(object) {
    const made = object as SecretData;
    made.type ||= "Opaque";
    // Texts become data, and are never stored or served as such.
    for (const [key, text] of Object.entries(made.stringData ?? {})) {
      made.data ??= {};
      made.data[key] = Buffer.from(text).toString("base64");
    }
    delete made.stringData;
  },
  validateCreate: (object) => causesOf((out) => validateSecret(object, out)),
  validateUpdate(object, old) {
    return causesOf((out) => {
      validateImmutable(object["type"], old["type"], "type", out);
      validateHeld(object, old, ["data"], out);
      validateSecret(object, out);
    });
  },
};

/** Keys that a Secret of a type must have. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};
const accountAnnotation = "kubernetes.io/service-account.name";

function validateSecret(object: ApiObject, out: Causes): void {
  const { data = {}, type = "" } = object as SecretData;
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    out.invalidEach(`data[${key}]`, key, configMapKey(key));
    size += decodedSize(value);
  }
  if (size > maxSize) out.tooLong("data", maxSize);
  for (const key of requiredKeys[type] ?? []) {
    const isEmptyKey = type === "kubernetes.io/ssh-auth" && data[key] === "";
    if (data[key] === undefined || isEmptyKey) out.required(`data[${key}]`);
    else if (type.startsWith("kubernetes.io/docker")) validateJson(data[key], `data[${key}]`, out);
  }
  if (type === "kubernetes.io/service-account-token" && !object.metadata.annotations?.[accountAnnotation]) {
    out.required(`metadata.annotations[${accountAnnotation}]`);
  }
  if (type === "kubernetes.io/basic-auth" && data["username"] === undefined && data["password"] === undefined) {
    out.required("data[username]");
    out.required("data[password]");
  }
}

function validateJson(value: string, path: string, out: Causes): void {
  const text = Buffer.from(value, "base64").toString();
  try {
    const parsed = JSON.parse(text) as unknown;
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return;
    out.invalid(path, "<secret contents redacted>", "json: cannot unmarshal into an object");
  } catch {
    // What JSON.parse says would quote the secret.
    const words = text === "" ? "unexpected end of JSON input" : "invalid character in JSON input";
    out.invalid(path, "<secret contents redacted>", words);
  }
}
