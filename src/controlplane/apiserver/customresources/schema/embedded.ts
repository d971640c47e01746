/** Objects within objects (x-kubernetes-embedded-resource): they say what they are, and have metadata (pkg/apiserver/schema/objectmeta). */
import { type ApiObject } from "../../resources/resource.ts";
import type { Causes } from "../../validation/causes.ts";
import { validateAnnotations, validateLabels } from "../../validation/labels.ts";
import { dns1123Subdomain } from "../../validation/names.ts";
import { isRecord, schemaOfField, type Schema } from "./compile.ts";

export function validateEmbedded(object: ApiObject, schema: Schema, out: Causes): void {
  walk(object, schema, "", out);
}

function walk(value: unknown, schema: Schema, path: string, out: Causes): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) value.forEach((item, i) => walk(item, items, `${path}[${i}]`, out));
    return;
  }
  if (!isRecord(value)) return;
  if (schema.isEmbedded) validateObject(value, path, out);
  for (const [name, inner] of Object.entries(value)) {
    const field = schemaOfField(schema, name);
    if (field) walk(inner, field, path === "" ? name : `${path}.${name}`, out);
  }
}

function validateObject(object: Record<string, unknown>, path: string, out: Causes): void {
  for (const field of ["apiVersion", "kind"]) {
    const value = object[field];
    if (value === undefined || value === "") out.required(`${path}.${field}`, "must not be empty");
    else if (typeof value !== "string") out.invalid(`${path}.${field}`, value, "must be a string");
  }
  const metadata = object["metadata"];
  if (metadata === undefined || metadata === null) return;
  const at = `${path}.metadata`;
  if (!isRecord(metadata)) return out.invalid(at, metadata, "must be an object");
  const { name, labels, annotations } = metadata;
  if (name !== undefined && typeof name !== "string") out.invalid(`${at}.name`, name, "must be a string");
  else if (name) out.invalidEach(`${at}.name`, name, dns1123Subdomain(name));
  if (areTexts(labels, `${at}.labels`, out)) validateLabels(labels, `${at}.labels`, out);
  if (areTexts(annotations, `${at}.annotations`, out)) validateAnnotations(annotations, `${at}.annotations`, out);
}

function areTexts(value: unknown, path: string, out: Causes): value is Record<string, string> | undefined {
  if (value === undefined || (isRecord(value) && Object.values(value).every((one) => typeof one === "string")))
    return true;
  out.invalid(path, value, "must be a map of strings");
  return false;
}
