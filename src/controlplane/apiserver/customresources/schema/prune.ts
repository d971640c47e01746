/** Pruning: what a structural schema does not name goes (apiextensions-apiserver/pkg/apiserver/schema/pruning). */
import { isRecord, schemaOfField, type Schema } from "./compile.ts";

/**
 * Removes unknown fields in place.
 *
 * @param isRoot whether the value is an object of the API, whose apiVersion, kind and metadata are implied
 * @returns the paths of what went, "spec.foo[0].bar"
 */
export function prune(value: unknown, schema: Schema, isRoot: boolean): string[] {
  const pruned: string[] = [];
  pruneValue(value, schema, isRoot, "", pruned);
  return pruned;
}

const implied: readonly string[] = ["apiVersion", "kind", "metadata"];

function pruneValue(value: unknown, schema: Schema, isResource: boolean, path: string, pruned: string[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) value.forEach((item, i) => pruneValue(item, items, items.isEmbedded, `${path}[${i}]`, pruned));
    return;
  }
  if (!isRecord(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    if (isResource && implied.includes(name)) continue;
    const place = path === "" ? name : `${path}.${name}`;
    const field = schemaOfField(schema, name);
    if (field) pruneValue(inner, field, field.isEmbedded, place, pruned);
    else if (schema.additional !== true && !schema.preservesUnknown) {
      delete value[name];
      pruned.push(place);
    }
  }
}
