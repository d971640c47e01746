/** Defaulting by a structural schema (apiextensions-apiserver/pkg/apiserver/schema/defaulting). */
import { isRecord, schemaOfField, type Schema } from "./compile.ts";

/**
 * Sets what lacks and has a default, in place. A null that the schema does not allow counts as
 * lacking: it gets the default, or goes.
 */
export function setDefaults(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) defaultItems(value, items);
    return;
  }
  if (!isRecord(value)) return;
  for (const [name, field] of schema.properties) {
    if (field.hasDefault && lacks(value, name, field)) value[name] = structuredClone(field.default);
  }
  for (const [name, inner] of Object.entries(value)) {
    const field = schemaOfField(schema, name);
    if (!field) continue;
    if (inner === null && !field.nullable) {
      if (field.hasDefault) value[name] = structuredClone(field.default);
      else if (schema.properties.has(name)) delete value[name];
    }
    setDefaults(value[name], field);
  }
}

function lacks(holder: Record<string, unknown>, name: string, field: Schema): boolean {
  return !Object.hasOwn(holder, name) || (holder[name] === null && !field.nullable);
}

function defaultItems(list: unknown[], items: Schema): void {
  list.forEach((item, i) => {
    if (item === null && !items.nullable && items.hasDefault) list[i] = structuredClone(items.default);
    setDefaults(list[i], items);
  });
}
