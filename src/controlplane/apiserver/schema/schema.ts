/**
 * The types of the API as data: which fields a kind has, of which type. Read from the file that the
 * build makes of the published client's models (`generate.ts`); descriptions stay out of memory, in
 * the OpenAPI documents.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type FieldType =
  | { readonly type: "string" | "boolean" | "any" | "time" | "microTime" | "bytes" | "intOrString" | "quantity" }
  | { readonly type: "integer"; readonly bits: 32 | 64 }
  | { readonly type: "number" }
  | {
      readonly type: "array";
      readonly items: FieldType;
      /** Absent: taken as a whole. */
      readonly list?: ListKind;
      readonly patch?: PatchStrategy;
    }
  | { readonly type: "map"; readonly values: FieldType; readonly atomic?: true }
  | { readonly type: "object"; readonly model: string; readonly atomic?: true; readonly patch?: PatchStrategy };

/** How server-side apply merges a list that it does not take as a whole: a set of scalars, or items under keys. */
export type ListKind =
  | { readonly kind: "set" }
  | {
      readonly kind: "map";
      /** x-kubernetes-list-map-keys */
      readonly keys: readonly [string, ...string[]];
      /** What a key is where an item does not say it. */
      readonly defaults?: Readonly<Record<string, string>>;
    };

/** How strategic merge patch merges a field: x-kubernetes-patch-strategy, x-kubernetes-patch-merge-key. */
export interface PatchStrategy {
  readonly strategy: "merge" | "merge,retainKeys" | "retainKeys" | "replace";
  readonly mergeKey?: string;
}

export interface Field {
  readonly type: FieldType;
  readonly required: boolean;
}

export interface Model {
  readonly fields: ReadonlyMap<string, Field>;
}

export interface SchemaFile {
  /** Version of the API that the models are of, "v1.34.0". */
  readonly version: string;
  readonly models: Readonly<Record<string, Readonly<Record<string, Field>>>>;
}

let loaded: ReadonlyMap<string, Model> | undefined;

/** A model by its name ("V1PodSpec"). @throws when the table of resources names one that is not there */
export function model(name: string): Model {
  loaded ??= load();
  const found = loaded.get(name);
  if (!found) throw new Error(`the API has no model ${name}`);
  return found;
}

function load(): ReadonlyMap<string, Model> {
  const file = JSON.parse(readFileSync(schemaPath(), "utf8")) as SchemaFile;
  return new Map(
    Object.entries(file.models).map(([name, fields]) => [name, { fields: new Map(Object.entries(fields)) }]),
  );
}

/** Beside the compiled program: the build writes it there, and sources read the build's. */
export function schemaPath(): string {
  const here = fileURLToPath(new URL("./schema.json", import.meta.url));
  return here.includes("/dist/") ? here : here.replace("/src/", "/dist/src/");
}
