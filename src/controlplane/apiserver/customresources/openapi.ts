/** The OpenAPI v3 document of a group and version of custom resources (apiextensions-apiserver/pkg/controller/openapi/builder). */
import { readFileSync } from "node:fs";
import { documentFile } from "../openapi/files.ts";
import { versionInfo } from "../version.ts";
import type { Definition, DefinitionVersion } from "./definition/definition.ts";
import type { JsonSchema } from "./schema/json_schema.ts";

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

interface Documented {
  readonly definition: Definition;
  readonly version: DefinitionVersion;
  readonly gvk: GroupVersionKind;
  /** "com.example.stable.v1.CronTab" */
  readonly name: string;
}

const components = "#/components/schemas/";
const meta = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const scale = "io.k8s.api.autoscaling.v1.Scale";

/**
 * @param definitions those that serve this version of the group
 * @param shared what {@link sharedSchemas} gives, for who makes many documents
 */
export function customDocument(
  group: string,
  version: string,
  definitions: readonly Definition[],
  shared = sharedSchemas(),
): object {
  const documented = definitions.map((definition): Documented => {
    const { kind } = definition.spec.names;
    const name = [...group.split(".").reverse(), version, kind].join(".");
    const served = definition.spec.versions.find((one) => one.name === version)!;
    return { definition, version: served, gvk: { group, version, kind }, name };
  });
  const schemas = Object.assign({}, shared, ...documented.map(schemasOf)) as object;
  const paths = Object.assign({}, ...documented.map(pathsOf)) as object;
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes CRD Swagger", version: versionInfo.gitVersion },
    paths,
    components: { schemas },
  };
}

/** What every kind refers to, as the built-in documents have it. */
export function sharedSchemas(): object {
  const file = documentFile("apis/apiextensions.k8s.io/v1");
  const document = JSON.parse(readFileSync(file, "utf8")) as { components: { schemas: Record<string, object> } };
  const shared = Object.entries(document.components.schemas).filter(
    ([name]) => name.startsWith(meta) || name.startsWith(scale),
  );
  return Object.fromEntries(shared);
}

function refTo(name: string): { $ref: string } {
  return { $ref: `${components}${name}` };
}

const ownFields = {
  apiVersion: {
    type: "string",
    description: "Version of the schema that this representation of an object has; servers convert others to it.",
  },
  kind: { type: "string", description: "The REST resource that this object represents, in CamelCase." },
};

function schemasOf({ definition, version, gvk, name }: Documented): object {
  const { listKind } = definition.spec.names;
  const schema = version.schema?.openAPIV3Schema ?? { type: "object" };
  const list = {
    type: "object",
    description: `${gvk.kind}List is a list of ${gvk.kind}`,
    required: ["items"],
    properties: {
      ...ownFields,
      items: { type: "array", items: refTo(name), description: `List of ${definition.spec.names.plural}.` },
      metadata: { allOf: [refTo(`${meta}ListMeta`)], default: {} },
    },
    "x-kubernetes-group-version-kind": [{ ...gvk, kind: listKind }],
  };
  return { [name]: { ...asObject(schema), "x-kubernetes-group-version-kind": [gvk] }, [`${name}List`]: list };
}

/** A schema of an object of the API: what is implied by the definition is said here. */
function asObject(schema: JsonSchema): object {
  const metadata = { allOf: [refTo(`${meta}ObjectMeta`)], default: {} };
  const shown = published(schema) as { properties?: object };
  return { ...shown, properties: { ...shown.properties, ...ownFields, metadata } };
}

/** As it is published: embedded objects have their own fields too; what is no keyword of OpenAPI keeps its x- name. */
function published(schema: JsonSchema): object {
  const { items, properties, additionalProperties, ...rest } = schema;
  const shown = {
    ...rest,
    ...(items ? { items: publishedInner(items) } : {}),
    ...(properties ? { properties: mapped(properties) } : {}),
    ...(typeof additionalProperties === "object"
      ? { additionalProperties: publishedInner(additionalProperties) }
      : additionalProperties === undefined
        ? {}
        : { additionalProperties }),
  };
  return shown;
}

function publishedInner(schema: JsonSchema): object {
  return schema["x-kubernetes-embedded-resource"] ? asObject(schema) : published(schema);
}

function mapped(properties: Readonly<Record<string, JsonSchema>>): object {
  return Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, publishedInner(inner)]));
}

const json = "application/json";
const queryParameter = (name: string, type: string): object => ({
  name,
  in: "query",
  schema: { type, uniqueItems: true },
});
/** kubectl looks for fieldValidation here before it leaves the checking of fields to the server. */
const writeParameters = ["dryRun", "fieldManager", "fieldValidation"].map((name) => queryParameter(name, "string"));
const writes = ["post", "put"];

function pathsOf({ definition, version, gvk, name }: Documented): object {
  const { plural } = definition.spec.names;
  const root = `/apis/${gvk.group}/${gvk.version}`;
  const isNamespaced = definition.spec.scope === "Namespaced";
  const collection = isNamespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const operation = (action: string, answers: string, body?: string): object => ({
    operationId: `${action}${isNamespaced ? "Namespaced" : ""}${gvk.kind}${gvk.version}`,
    ...(body === undefined ? {} : { requestBody: { content: { [json]: { schema: refTo(body) } } } }),
    responses: { "200": { description: "OK", content: { [json]: { schema: refTo(answers) } } } },
    ...(writes.includes(action) ? { parameters: writeParameters } : {}),
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk,
  });
  const patches = ["json-patch+json", "merge-patch+json", "apply-patch+yaml"].map((type) => [
    `application/${type}`,
    { schema: { type: "object" } },
  ]);
  const patch = (answers: string): object => ({
    ...operation("patch", answers),
    parameters: [...writeParameters, queryParameter("force", "boolean")],
    requestBody: { content: Object.fromEntries(patches) as object },
  });
  const part = (answers: string): object => ({
    get: operation("get", answers),
    put: operation("put", answers, answers),
    patch: patch(answers),
  });
  const one = `${collection}/{name}`;
  const subresources = version.subresources ?? {};
  const list = operation("list", `${name}List`);
  return {
    [collection]: {
      get: list,
      post: operation("post", name, name),
      delete: operation("deletecollection", `${meta}Status`),
      parameters: parametersOf(collection),
    },
    ...(isNamespaced ? { [`${root}/${plural}`]: { get: list, parameters: [] } } : {}),
    [one]: { ...part(name), delete: operation("delete", `${meta}Status`), parameters: parametersOf(one) },
    ...(subresources.status ? { [`${one}/status`]: { ...part(name), parameters: parametersOf(one) } } : {}),
    ...(subresources.scale ? { [`${one}/scale`]: { ...part(scale), parameters: parametersOf(one) } } : {}),
  };
}

function parametersOf(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", uniqueItems: true },
  }));
}
