/**
 * The models of the published client as OpenAPI schemas: names, descriptions and the extensions that
 * clients read (group-version-kind, list and map types, merge keys). Used by the build alone.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { modelsFolder } from "../schema/models_folder.ts";
import type { FieldType, ListKind, PatchStrategy, SchemaFile } from "../schema/schema.ts";

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What one model is called in OpenAPI, and which kinds it is. */
export interface Definition {
  readonly model: string;
  /** "io.k8s.api.core.v1.Pod" */
  readonly name: string;
  readonly kinds: readonly GroupVersionKind[];
}

/** Models of apimachinery, whichever group uses them. */
const metaModels = new Set([
  "V1ObjectMeta",
  "V1ListMeta",
  "V1LabelSelector",
  "V1LabelSelectorRequirement",
  "V1FieldSelectorAttributes",
  "V1LabelSelectorAttributes",
  "V1FieldSelectorRequirement",
  "V1OwnerReference",
  "V1ManagedFieldsEntry",
  "V1Condition",
  "V1DeleteOptions",
  "V1Preconditions",
  "V1Status",
  "V1StatusDetails",
  "V1StatusCause",
]);

/** Prefixes that the client puts in front of names that two groups have. */
const prefixes =
  /^(Core|Events|Rbac|Discovery|Authentication|Storage|Apiextensions|Flowcontrol|Admissionregistration)(?=V\d)/;

/** "CoreV1Event" → ["v1", "Event"] */
export function versionAndName(model: string): [string, string] {
  const match = /^(V\d+(?:(?:alpha|beta)\d+)?)(.+)$/.exec(model.replace(prefixes, ""));
  return match ? [match[1]!.toLowerCase(), match[2]!] : ["v1", model];
}

export function definitionName(model: string, group: string): string {
  const [version, name] = versionAndName(model);
  if (metaModels.has(model)) return `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`;
  if (group === "apiextensions.k8s.io") return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.${name}`;
  const short = group === "" ? "core" : group.replace(/\.k8s\.io$/, "").replace(/\.authorization$/, "");
  return `io.k8s.api.${short}.${version}.${name}`;
}

/** Fields of V1JSONSchemaProps that take values of several types: the client's models have no types for those. */
const untyped: Readonly<Record<string, string>> = {
  additionalItems: "JSONSchemaPropsOrBool",
  additionalProperties: "JSONSchemaPropsOrBool",
  default: "JSON",
  dependencies: "JSONSchemaPropsOrStringArray",
  enum: "JSON",
  example: "JSON",
  items: "JSONSchemaPropsOrArray",
};

/** Their definitions. None says a type: a client that checks by them lets any value pass. */
export function untypedDefinitions(): [string, object][] {
  const forms: [string, string][] = [
    ["JSON", "Any JSON value."],
    ["JSONSchemaPropsOrBool", "A schema, or a boolean."],
    ["JSONSchemaPropsOrArray", "A schema, or an array of schemas."],
    ["JSONSchemaPropsOrStringArray", "A schema, or an array of strings."],
  ];
  return forms.map(([name, description]) => [untypedName(name), { description }]);
}

const untypedName = (name: string): string => definitionName(`V1${name}`, "apiextensions.k8s.io");

export class ModelSchemas {
  readonly #schema: SchemaFile;
  readonly #nameOf: ReadonlyMap<string, string>;
  readonly #refPrefix: string;

  /** @param refPrefix "#/components/schemas/" or "#/definitions/" */
  constructor(schema: SchemaFile, nameOf: ReadonlyMap<string, string>, refPrefix: string) {
    this.#schema = schema;
    this.#nameOf = nameOf;
    this.#refPrefix = refPrefix;
  }

  /** The schema of a model. */
  schemaOf(model: string, kinds: readonly GroupVersionKind[]): object {
    const fields = Object.entries(this.#schema.models[model]!);
    const { ofModel, ofFields } = descriptions(model);
    const required = fields.filter(([, field]) => field.required).map(([name]) => name);
    const properties = fields.map(([name, field]): [string, object] => [
      name,
      {
        ...this.#describe(ofFields.get(name)),
        ...this.#type(field.type, model === "V1JSONSchemaProps" ? untyped[name] : undefined),
      },
    ]);
    return {
      ...this.#describe(ofModel),
      type: "object",
      ...(required.length > 0 ? { required } : {}),
      ...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : {}),
      ...(kinds.length > 0 ? { "x-kubernetes-group-version-kind": kinds } : {}),
    };
  }

  /** Models that a model's fields refer to. */
  referredBy(model: string): string[] {
    return Object.values(this.#schema.models[model] ?? {}).flatMap(({ type }) => modelsIn(type));
  }

  #describe(text: string | undefined): { description?: string } {
    return text === undefined || text === "" ? {} : { description: text };
  }

  /** @param any definition of the values that have no type */
  #type(type: FieldType, any?: string): object {
    switch (type.type) {
      case "string":
      case "boolean":
        return { type: type.type };
      case "integer":
        return { type: "integer", format: `int${type.bits}` };
      case "number":
        return { type: "number", format: "double" };
      case "time":
      case "microTime":
        return { type: "string", format: "date-time" };
      case "bytes":
        return { type: "string", format: "byte" };
      case "intOrString":
        return { type: "string", format: "int-or-string" };
      case "quantity":
        return { type: "string" };
      case "any":
        return any === undefined ? { type: "object" } : this.#referenceTo(untypedName(any));
      case "array":
        return {
          type: "array",
          items: this.#type(type.items, any),
          ...listExtensions(type.list),
          ...patchExtensions(type.patch),
        };
      case "map":
        return {
          type: "object",
          additionalProperties: this.#type(type.values, any),
          ...(type.atomic ? { "x-kubernetes-map-type": "atomic" } : {}),
        };
      case "object":
        return this.#reference(type);
    }
  }

  #reference(type: FieldType & { type: "object" }): object {
    const name = this.#nameOf.get(type.model);
    if (name === undefined) return { type: "object" };
    const reference = this.#referenceTo(name);
    return "allOf" in reference ? { ...reference, default: {} } : reference;
  }

  /** A reference beside other keywords is wrapped in v3: OpenAPI ignores what stands beside $ref. */
  #referenceTo(name: string): object {
    const $ref = `${this.#refPrefix}${name}`;
    return this.#refPrefix.startsWith("#/components") ? { allOf: [{ $ref }] } : { $ref };
  }
}

function modelsIn(type: FieldType): string[] {
  if (type.type === "array") return modelsIn(type.items);
  if (type.type === "map") return modelsIn(type.values);
  return type.type === "object" ? [type.model] : [];
}

function listExtensions(list: ListKind | undefined): object {
  if (!list) return { "x-kubernetes-list-type": "atomic" };
  if (list.kind === "set") return { "x-kubernetes-list-type": "set" };
  return { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list.keys };
}

function patchExtensions(patch: PatchStrategy | undefined): object {
  if (!patch) return {};
  return {
    ...(patch.mergeKey === undefined ? {} : { "x-kubernetes-patch-merge-key": patch.mergeKey }),
    "x-kubernetes-patch-strategy": patch.strategy,
  };
}

/** The client's declarations carry the API's documentation as comments. */
function descriptions(model: string): { ofModel: string; ofFields: Map<string, string> } {
  const text = readFileSync(path.join(modelsFolder(), `${model}.d.ts`), "utf8");
  const ofFields = new Map<string, string>();
  for (const match of text.matchAll(/\/\*\*\s*\n\s*\* (.*)\n\s*\*\/\s*\n\s*'([^']+)'\??:/g)) {
    ofFields.set(match[2]!, unescaped(match[1]!));
  }
  const ofModel = /\/\*\*\n\* (.*)\n\*\/\nexport declare class/.exec(text)?.[1] ?? "";
  return { ofModel: unescaped(ofModel), ofFields };
}

function unescaped(text: string): string {
  return text.replace(/\\(['"])/g, "$1").replace(/\* *\\\//g, "*/");
}
