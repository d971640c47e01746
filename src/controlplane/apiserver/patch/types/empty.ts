/** A new, empty object of a kind as upstream's types write it: what a creation is compared with. */
import { listsByValue, structsByValue } from "../../schema/facts.ts";
import { model } from "../../schema/schema.ts";

const byValue = new Set(structsByValue);
const nullLists = new Set(listsByValue);
/** Structs that every kind holds by value. */
const common = new Set(["metadata", "spec", "status", "template"]);
/** The one that is a pointer all the same. */
const pointers = new Set(["V1ReplicationControllerSpec.template"]);
const made = new Map<string, Readonly<Record<string, unknown>>>();

/** Shared: not to be changed. */
export function emptyOfModel(name: string): Readonly<Record<string, unknown>> {
  const known = made.get(name);
  if (known) return known;
  const object: Record<string, unknown> = {};
  made.set(name, object);
  for (const [field, { type }] of model(name).fields) {
    const place = `${name}.${field}`;
    if (nullLists.has(place)) object[field] = null;
    else if (
      type.type === "object" &&
      !type.atomic &&
      (byValue.has(place) || (common.has(field) && !pointers.has(place)))
    ) {
      object[field] = emptyOfModel(type.model);
    }
  }
  return object;
}
