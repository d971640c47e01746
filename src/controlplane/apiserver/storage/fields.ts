/** What field selectors look at, read from an object by the paths that its resource names. */
import type { FieldReader, Resource } from "../resources/resource.ts";
import { at } from "../resources/selectable.ts";
import type { FieldsOf } from "./cache.ts";

/** Reads the selectable fields of a resource. */
export function fieldsOf(resource: Pick<Resource, "selectableFields" | "fieldReaders">): FieldsOf {
  const readers = resource.selectableFields.map((field): [string, FieldReader] => {
    return [field, resource.fieldReaders?.[field] ?? at(field)];
  });
  return (object) => {
    const fields: Record<string, string> = {
      "metadata.name": object.metadata.name ?? "",
      "metadata.namespace": object.metadata.namespace ?? "",
    };
    for (const [field, read] of readers) fields[field] = read(object);
    return fields;
  };
}
