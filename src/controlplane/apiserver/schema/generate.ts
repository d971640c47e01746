/**
 * Makes schema.json from the models of @kubernetes/client-node: run by the build, so that the types
 * of the API come from a published, versioned package and not from a copy of ours.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import {
  appliedOnlyLists,
  atomicMaps,
  atomicModels,
  granularFields,
  keyDefaults,
  mapLists,
  patchStrategies,
  quantities,
  quantityMaps,
  setLists,
} from "./facts.ts";
import { modelsFolder } from "./models_folder.ts";
import {
  schemaPath,
  type Field,
  type FieldType,
  type ListKind,
  type PatchStrategy,
  type SchemaFile,
} from "./schema.ts";

interface Attribute {
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}

async function generate(): Promise<SchemaFile> {
  const folder = modelsFolder();
  const models: Record<string, Record<string, Field>> = {};
  let version = "";
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".d.ts"))) {
    const name = file.slice(0, -".d.ts".length);
    if (name === "all" || name === "ObjectSerializer") continue;
    const declaration = readFileSync(path.join(folder, file), "utf8");
    version ||= /OpenAPI spec version: (\S+)/.exec(declaration)?.[1] ?? "";
    const attributes = await attributesOf(path.join(folder, `${name}.js`), name);
    if (attributes) models[name] = fieldsOf(name, attributes, declaration);
  }
  return { version, models };
}

async function attributesOf(file: string, name: string): Promise<readonly Attribute[] | undefined> {
  const exports = (await import(pathToFileURL(file).href)) as Record<
    string,
    { attributeTypeMap?: readonly Attribute[] }
  >;
  return exports[name]?.attributeTypeMap;
}

function fieldsOf(model: string, attributes: readonly Attribute[], declaration: string): Record<string, Field> {
  const fields: Record<string, Field> = {};
  for (const attribute of attributes) {
    const place = `${model}.${attribute.baseName}`;
    fields[attribute.baseName] = {
      type: typeOf(place, attribute.type, attribute.format),
      required: isRequired(declaration, attribute),
    };
  }
  return fields;
}

/** A required field is declared as `'name': type`, an optional one as `'name'?: type`. */
function isRequired(declaration: string, attribute: Attribute): boolean {
  return declaration.includes(`'${attribute.baseName}': `);
}

function typeOf(place: string, type: string, format: string): FieldType {
  const array = /^Array<(.*)>$/.exec(type)?.[1];
  if (array !== undefined) return { type: "array", items: typeOf(`${place}[]`, array, format), ...listOf(place) };
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (map !== undefined) {
    return {
      type: "map",
      values: quantityMaps.includes(place) ? { type: "quantity" } : typeOf(`${place}{}`, map, format),
      ...(atomicMaps.includes(place) ? { atomic: true } : {}),
    };
  }
  return scalarOf(place, type, format);
}

function scalarOf(place: string, type: string, format: string): FieldType {
  switch (type) {
    case "string":
      if (quantities.includes(place)) return { type: "quantity" };
      return { type: format === "byte" ? "bytes" : "string" };
    case "boolean":
      return { type: "boolean" };
    case "number":
      return format === "int32"
        ? { type: "integer", bits: 32 }
        : format === "int64"
          ? { type: "integer", bits: 64 }
          : { type: "number" };
    case "Date":
      return { type: "time" };
    case "V1MicroTime":
      return { type: "microTime" };
    case "IntOrString":
      return { type: "intOrString" };
    case "any":
    case "object":
      return { type: "any" };
    default:
      return {
        type: "object",
        model: type,
        ...(atomicModels.includes(type) && !granularFields.includes(place) ? { atomic: true } : {}),
        ...patchOf(place),
      };
  }
}

function listOf(place: string): { list?: ListKind; patch?: PatchStrategy } {
  if (setLists.includes(place)) return { list: { kind: "set" }, ...patchOf(place) };
  const keys = mapLists[place];
  if (!keys) return patchOf(place);
  const defaults = keyDefaults[place];
  return { list: { kind: "map", keys, ...(defaults ? { defaults } : {}) }, ...patchOf(place) };
}

function patchOf(place: string): { patch?: PatchStrategy } {
  const stated = patchStrategies[place];
  if (stated) return { patch: stated };
  const keys = mapLists[place];
  return keys && !appliedOnlyLists.includes(place) ? { patch: { strategy: "merge", mergeKey: keys[0] } } : {};
}

const output = schemaPath();
mkdirSync(path.dirname(output), { recursive: true });
writeFileSync(output, JSON.stringify(await generate()));
