/** x-kubernetes-list-type and its keys (KEP-555). */
import type { Causes } from "../../validation/causes.ts";
import type { JsonSchema } from "../schema/json_schema.ts";

const listTypes = ["atomic", "map", "set"];
const scalars = ["boolean", "integer", "number", "string"];

export function validateLists(schema: JsonSchema, path: string, out: Causes): void {
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const at = `${path}.x-kubernetes-list-type`;
  if (listType !== undefined) {
    const words = "must be array if x-kubernetes-list-type is specified";
    if (!schema.type) out.required(`${path}.type`, words);
    else if (schema.type !== "array") out.invalid(`${path}.type`, schema.type, words);
    if (!listTypes.includes(listType)) out.notSupported(at, listType, listTypes);
  }
  if (keys.length > 0 && listType !== "map") {
    const words = "must be map if x-kubernetes-list-map-keys is non-empty";
    if (listType === undefined) out.required(at, words);
    else out.invalid(at, listType, words);
  }
  if (listType === "set") validateSet(schema, path, out);
  if (listType === "map") validateMap(schema, keys, path, out);
}

function validateSet({ items }: JsonSchema, path: string, out: Causes): void {
  if (!items) return out.required(`${path}.items`, "must have a schema if x-kubernetes-list-type is set");
  if (items.nullable) out.forbidden(`${path}.items.nullable`, "cannot be nullable when x-kubernetes-list-type is set");
  const isMergedMap = items.type === "object" && items["x-kubernetes-map-type"] !== "atomic";
  const words = "must be atomic as item of a list with x-kubernetes-list-type=set";
  if (isMergedMap) {
    out.invalid(`${path}.items.x-kubernetes-map-type`, items["x-kubernetes-map-type"] ?? null, words);
  }
  const listType = items["x-kubernetes-list-type"];
  if (items.type === "array" && listType !== undefined && listType !== "atomic") {
    out.invalid(`${path}.items.x-kubernetes-list-type`, listType, words);
  }
}

function validateMap({ items }: JsonSchema, keys: readonly string[], path: string, out: Causes): void {
  const keysPath = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) out.required(keysPath, "must not be empty if x-kubernetes-list-type is map");
  if (!items) return out.required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map");
  if (items.type !== "object") {
    out.invalid(
      `${path}.items.type`,
      items.type ?? "",
      "must be object if parent array's x-kubernetes-list-type is map",
    );
  }
  const seen = new Set<string>();
  keys.forEach((key, i) => {
    if (seen.has(key)) out.duplicate(`${keysPath}[${i}]`, key);
    seen.add(key);
    validateKey(items, key, `${keysPath}[${i}]`, `${path}.items.properties[${key}]`, out);
  });
}

function validateKey(items: JsonSchema, key: string, keyPath: string, path: string, out: Causes): void {
  const property = items.properties?.[key];
  if (!property) return out.invalid(keyPath, key, "entries must all be names of item properties");
  if (!scalars.includes(property.type ?? "")) {
    const words = "must be a scalar type if parent array's x-kubernetes-list-type is map";
    out.invalid(`${path}.type`, property.type ?? "", words);
  }
  if (property.default === undefined && !items.required?.includes(key)) {
    const words = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
    out.required(`${path}.default`, words);
  }
  if (property.nullable)
    out.forbidden(`${path}.nullable`, "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
}
