/**
 * The OpenAPI documents of the built-in resources, made by the build: one v3 document a group and
 * version, and one v2 document of all. They are written to disk with their descriptions and served
 * from there, so that a server at rest does not hold megabytes of prose.
 */
import { versionInfo } from "../version.ts";
import { builtIn } from "../resources/table.ts";
import type { Resource, Subresource, Version } from "../resources/resource.ts";
import type { SchemaFile } from "../schema/schema.ts";
import { definitionName, ModelSchemas, untypedDefinitions, type GroupVersionKind } from "./models.ts";

/** Every document by the path that it is served under, without "/openapi/v3/"; "v2" is the v2 document. */
export function documents(schema: SchemaFile): Map<string, object> {
  const names = nameModels(schema);
  const result = new Map<string, object>();
  for (const [groupVersion, served] of byGroupVersion()) result.set(groupVersion, documentV3(schema, names, served));
  result.set("v2", documentV2(schema, names));
  return result;
}

interface Served {
  readonly resource: Resource;
  readonly version: Version;
}

/** "api/v1", "apis/apps/v1" → what is served there. */
function byGroupVersion(): Map<string, Served[]> {
  const groups = new Map<string, Served[]>();
  for (const resource of builtIn) {
    for (const version of resource.versions) {
      const at = apiPath(resource, version);
      groups.set(at, [...(groups.get(at) ?? []), { resource, version }]);
    }
  }
  return groups;
}

function apiPath(resource: Resource, version: Version): string {
  return resource.group === "" ? `api/${version.version}` : `apis/${resource.group}/${version.version}`;
}

/** A model belongs to the first group of the table that refers to it: the core group comes first. */
function nameModels(schema: SchemaFile): Map<string, string> {
  const names = new Map<string, string>();
  const models = new ModelSchemas(schema, names, "");
  const name = (model: string, group: string): void => {
    if (names.has(model) || !schema.models[model]) return;
    names.set(model, definitionName(model, group));
    for (const inner of models.referredBy(model)) name(inner, group);
  };
  for (const { group, versions } of builtIn) {
    for (const { model } of versions) {
      name(model, group);
      name(`${model}List`, group);
    }
  }
  for (const [model, group] of bodyModels) name(model, group);
  return names;
}

/** Kinds that are bodies of subresources or of deletions and have no row of their own. */
const bodyModels: readonly [string, string][] = [
  ["V1DeleteOptions", ""],
  ["V1Status", ""],
  ["V1Eviction", "policy"],
  ["V1Scale", "autoscaling"],
  ["AuthenticationV1TokenRequest", "authentication.k8s.io"],
];

const jsonMedia = "application/json";

function documentV3(schema: SchemaFile, names: ReadonlyMap<string, string>, served: readonly Served[]): object {
  const models = new ModelSchemas(schema, names, "#/components/schemas/");
  const schemas = definitions(models, names, served);
  const paths = Object.assign({}, ...served.map((one) => pathsV3(one, names))) as object;
  return { openapi: "3.0.0", info: info(), paths, components: { schemas } };
}

function info(): object {
  return { title: "Kubernetes", version: versionInfo.gitVersion };
}

/** The definitions that the resources reach, by their names. */
function definitions(models: ModelSchemas, names: ReadonlyMap<string, string>, served: readonly Served[]): object {
  const kinds = new Map<string, GroupVersionKind[]>();
  const wanted = new Set<string>();
  const reach = (model: string): void => {
    if (wanted.has(model) || !names.has(model)) return;
    wanted.add(model);
    models.referredBy(model).forEach(reach);
  };
  for (const { resource, version } of served) {
    const { group, kind } = resource;
    kinds.set(version.model, [{ group, kind, version: version.version }]);
    kinds.set(`${version.model}List`, [{ group, kind: `${kind}List`, version: version.version }]);
    [version.model, `${version.model}List`].forEach(reach);
  }
  bodyModels.forEach(([model]) => reach(model));
  const entries = [...wanted]
    .sort()
    .map((model): [string, object] => [names.get(model)!, models.schemaOf(model, kinds.get(model) ?? [])]);
  return Object.fromEntries([...entries, ...(wanted.has("V1JSONSchemaProps") ? untypedDefinitions() : [])]);
}

const dryRun = query("dryRun", "string");
const fieldManager = query("fieldManager", "string");
const fieldValidation = query("fieldValidation", "string");
const writeParameters = [dryRun, fieldManager, fieldValidation];
const listParameters = [
  query("allowWatchBookmarks", "boolean"),
  query("continue", "string"),
  query("fieldSelector", "string"),
  query("labelSelector", "string"),
  query("limit", "integer"),
  query("resourceVersion", "string"),
  query("resourceVersionMatch", "string"),
  query("sendInitialEvents", "boolean"),
  query("timeoutSeconds", "integer"),
  query("watch", "boolean"),
];

interface Parameter {
  readonly name: string;
  readonly in: "query" | "path";
  readonly required?: boolean;
  readonly schema: { readonly type: string; readonly uniqueItems?: boolean };
}

function query(name: string, type: string): Parameter {
  return { name, in: "query", schema: { type, uniqueItems: true } };
}

function pathParameter(name: string): Parameter {
  return { name, in: "path", required: true, schema: { type: "string", uniqueItems: true } };
}

/** What one operation of a path is: its action, verb and parameters. */
interface Operation {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly action: string;
  readonly parameters: readonly Parameter[];
  readonly body?: string;
}

/** The paths of a resource with their operations, in neither version's form. */
function operationsOf({ resource, version }: Served): Map<string, Operation[]> {
  const root = `/${apiPath(resource, version)}`;
  const collection = resource.namespaced
    ? `${root}/namespaces/{namespace}/${resource.plural}`
    : `${root}/${resource.plural}`;
  const paths = new Map<string, Operation[]>();
  const has = (verb: Resource["verbs"][number]): boolean => resource.verbs.includes(verb);
  const onCollection: Operation[] = [];
  if (has("list")) onCollection.push({ method: "get", action: "list", parameters: listParameters });
  if (has("create"))
    onCollection.push({ method: "post", action: "post", parameters: writeParameters, body: version.model });
  if (has("deletecollection"))
    onCollection.push({
      method: "delete",
      action: "deletecollection",
      parameters: listParameters,
      body: "V1DeleteOptions",
    });
  paths.set(collection, onCollection);
  if (resource.namespaced && has("list")) {
    paths.set(`${root}/${resource.plural}`, [{ method: "get", action: "list", parameters: listParameters }]);
  }
  const one = itemOperations(resource, version);
  if (one.length > 0) paths.set(`${collection}/{name}`, one);
  for (const subresource of resource.subresources)
    paths.set(`${collection}/{name}/${subresource.name}`, subresourceOperations(subresource, version));
  return paths;
}

function itemOperations({ verbs }: Resource, { model }: Version): Operation[] {
  const operations: Operation[] = [];
  if (verbs.includes("get")) operations.push({ method: "get", action: "get", parameters: [] });
  if (verbs.includes("update"))
    operations.push({ method: "put", action: "put", parameters: writeParameters, body: model });
  if (verbs.includes("patch"))
    operations.push({ method: "patch", action: "patch", parameters: [...writeParameters, query("force", "boolean")] });
  if (verbs.includes("delete"))
    operations.push({
      method: "delete",
      action: "delete",
      parameters: [dryRun, query("gracePeriodSeconds", "integer"), query("propagationPolicy", "string")],
      body: "V1DeleteOptions",
    });
  return operations;
}

const subresourceMethods = { get: "get", create: "post", update: "put", patch: "patch" } as const;

function subresourceOperations(subresource: Subresource, { model }: Version): Operation[] {
  return subresource.verbs.map((verb) => ({
    method: subresourceMethods[verb],
    action: verb === "create" ? "post" : verb === "update" ? "put" : verb,
    parameters:
      verb === "get" ? [] : verb === "patch" ? [...writeParameters, query("force", "boolean")] : writeParameters,
    ...(verb === "create" || verb === "update" ? { body: bodyOf(subresource, model) } : {}),
  }));
}

function bodyOf({ kind }: Subresource, model: string): string {
  if (kind === "Scale") return "V1Scale";
  if (kind === "Eviction") return "V1Eviction";
  if (kind === "TokenRequest") return "AuthenticationV1TokenRequest";
  return kind === "Binding" ? "V1Binding" : model;
}

function pathsV3(served: Served, names: ReadonlyMap<string, string>): object {
  const { resource, version } = served;
  const gvk = { group: resource.group, version: version.version, kind: resource.kind };
  const entries = [...operationsOf(served)].map(([path, operations]) => [
    path,
    {
      ...Object.fromEntries(
        operations.map((operation) => [operation.method, operationV3(operation, path, gvk, names, version)]),
      ),
      parameters: pathParameters(path),
    },
  ]);
  return Object.fromEntries(entries) as object;
}

function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => pathParameter(match[1]!));
}

function operationV3(
  operation: Operation,
  path: string,
  gvk: GroupVersionKind,
  names: ReadonlyMap<string, string>,
  { model }: Version,
): object {
  const reference = (name: string): object => ({ $ref: `#/components/schemas/${names.get(name) ?? name}` });
  const answers = operation.action === "list" ? `${model}List` : model;
  return {
    tags: [gvk.group === "" ? "core_v1" : `${gvk.group}_${gvk.version}`],
    operationId: operationId(operation, path, gvk),
    parameters: operation.parameters,
    ...(operation.body === undefined
      ? {}
      : { requestBody: { content: { [jsonMedia]: { schema: reference(operation.body) } } } }),
    ...(operation.method === "patch" ? { requestBody: { content: patchContent } } : {}),
    responses: {
      "200": {
        description: "OK",
        content: { [jsonMedia]: { schema: reference(names.has(answers) ? answers : model) } },
      },
    },
    "x-kubernetes-action": operation.action,
    "x-kubernetes-group-version-kind": gvk,
  };
}

const patchContent = Object.fromEntries(
  ["json-patch+json", "merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"].map((type) => [
    `application/${type}`,
    { schema: { type: "object" } },
  ]),
);

function operationId({ action }: Operation, path: string, gvk: GroupVersionKind): string {
  const words = path.split("/").filter((part) => part !== "" && !part.startsWith("{"));
  return `${action}${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1).replace(/[^A-Za-z0-9]/g, "")).join("")}${path.endsWith("}") ? gvk.kind : ""}`;
}

function documentV2(schema: SchemaFile, names: ReadonlyMap<string, string>): object {
  const models = new ModelSchemas(schema, names, "#/definitions/");
  const served = builtIn.flatMap((resource) => resource.versions.map((version) => ({ resource, version })));
  const paths = Object.assign({}, ...served.map((one) => pathsV2(one, names))) as object;
  return { swagger: "2.0", info: info(), paths, definitions: definitions(models, names, served) };
}

function pathsV2(served: Served, names: ReadonlyMap<string, string>): object {
  const { resource, version } = served;
  const gvk = { group: resource.group, version: version.version, kind: resource.kind };
  const entries = [...operationsOf(served)].map(([path, operations]) => [
    path,
    {
      ...Object.fromEntries(
        operations.map((operation) => [operation.method, operationV2(operation, path, gvk, names, version)]),
      ),
      parameters: pathParameters(path).map(parameterV2),
    },
  ]);
  return Object.fromEntries(entries) as object;
}

function parameterV2({ schema, ...parameter }: Parameter): object {
  return { ...parameter, ...schema };
}

function operationV2(
  operation: Operation,
  path: string,
  gvk: GroupVersionKind,
  names: ReadonlyMap<string, string>,
  { model }: Version,
): object {
  const reference = (name: string): object => ({ $ref: `#/definitions/${names.get(name) ?? name}` });
  const body =
    operation.method === "patch"
      ? { type: "object" }
      : operation.body === undefined
        ? undefined
        : reference(operation.body);
  return {
    operationId: operationId(operation, path, gvk),
    consumes: operation.method === "patch" ? Object.keys(patchContent) : ["*/*"],
    produces: [jsonMedia],
    schemes: ["https"],
    parameters: [
      ...operation.parameters.map(parameterV2),
      ...(body === undefined
        ? []
        : [{ name: "body", in: "body", required: operation.method !== "delete", schema: body }]),
    ],
    responses: { "200": { description: "OK", schema: reference(model) } },
    "x-kubernetes-action": operation.action,
    "x-kubernetes-group-version-kind": gvk,
  };
}
