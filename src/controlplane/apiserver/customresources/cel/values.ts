/** Values as rules see them: typed by the schema (apiserver/pkg/cel/common), maps as Maps, integers as big integers. */
import { isRecord, schemaOfField, type Schema } from "../schema/compile.ts";

/** Words that no name in an expression may be (google/cel-spec, langdef.md). */
const reserved: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

/** A property's name as rules write it. @returns undefined where they cannot */
export function escapedName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  const escaped = name
    .replaceAll("__", "__underscores__")
    .replaceAll(".", "__dot__")
    .replaceAll("-", "__dash__")
    .replaceAll("/", "__slash__");
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(escaped) ? escaped : undefined;
}

/** @param isResource whether apiVersion, kind and metadata's names are there besides what the schema names */
export function celValue(value: unknown, schema: Schema | undefined, isResource = false): unknown {
  if (Array.isArray(value)) return value.map((item) => celValue(item, schema?.items));
  if (isRecord(value)) return celMap(value, schema, isResource);
  if (typeof value === "number") return celNumber(value, schema);
  return typeof value === "string" ? celString(value, schema) : value;
}

function celNumber(value: number, schema: Schema | undefined): number | bigint {
  return Number.isInteger(value) && schema?.type !== "number" ? BigInt(value) : value;
}

function celString(value: string, schema: Schema | undefined): unknown {
  const format = schema?.raw.format;
  if (format === "date-time" || format === "date") {
    const time = new Date(value);
    return Number.isNaN(time.getTime()) ? value : time;
  }
  if (format === "byte") return new Uint8Array(Buffer.from(value, "base64"));
  return value;
}

const named = ["name", "generateName"];

function celMap(value: Record<string, unknown>, schema: Schema | undefined, isResource: boolean): Map<string, unknown> {
  const map = new Map<string, unknown>();
  for (const [name, inner] of Object.entries(value)) {
    if (isResource && name === "metadata") {
      const metadata = isRecord(inner) ? inner : {};
      map.set(name, new Map(named.filter((one) => metadata[one] !== undefined).map((one) => [one, metadata[one]])));
      continue;
    }
    const property = schema?.properties.get(name);
    const shown = property ? escapedName(name) : name;
    // A null that is not one of the values is as good as absent.
    if (shown === undefined || (inner === null && property && !property.nullable)) continue;
    const field = schema && schemaOfField(schema, name);
    map.set(shown, celValue(inner, field, field?.isEmbedded));
  }
  return map;
}
