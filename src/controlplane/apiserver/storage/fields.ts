/** What field selectors look at, read from an object by the paths that its resource names. */
import type { ApiObject, Resource } from "../resources/resource.ts";
import type { FieldsOf } from "./cache.ts";

/** Reads the selectable fields of a resource. */
export function fieldsOf(resource: Resource): FieldsOf {
  const paths = resource.selectableFields.map((field): [string, string[]] => [field, field.split(".")]);
  return (object) => {
    const fields: Record<string, string> = {
      "metadata.name": object.metadata.name ?? "",
      "metadata.namespace": object.metadata.namespace ?? "",
    };
    for (const [field, path] of paths) fields[field] = textAt(object, path);
    return fields;
  };
}

function textAt(object: ApiObject, path: readonly string[]): string {
  let value: unknown = object;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return "";
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}
