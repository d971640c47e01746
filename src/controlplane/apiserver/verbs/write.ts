/** POST, PUT and PATCH. */
import type { ApiResponse, RequestContext } from "../context.ts";
import { patched, patchKind } from "../patch/patch.ts";
import { decodedBody, mediaType, objectOf } from "../request/body.ts";
import { writeOptions, type WriteOptions } from "../request/options.ts";
import type { ApiObject } from "../resources/resource.ts";
import { ApiError, notFound } from "../status.ts";
import type { WriteRequest, Written } from "../storage/registry.ts";
import { checkFields } from "../validation/fields.ts";
import { trackUpdate } from "../patch/managed_fields.ts";
import { inVersion, toStored } from "./convert.ts";
import { groupVersion, type Endpoint } from "./endpoint.ts";
import { objectResponse } from "./read.ts";

export async function create(endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const options = writeOptions(context.query);
  const object = await readObject(endpoint, context, options, "");
  endpoint.resource.strategy.defaults?.(object);
  trackUpdate(endpoint, undefined, object, manager(context, options), "");
  const stored = toStored(endpoint, object);
  const written = await endpoint.registry.create(stored, context.info.namespace, writeRequest(context, options));
  return objectResponse(endpoint, context, 201, written.bytes);
}

export async function update(endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const options = writeOptions(context.query);
  const { namespace, name, subresource } = context.info;
  const object = await readObject(endpoint, context, options, name);
  const change = (current: ApiObject): ApiObject => {
    const next = structuredClone(object);
    endpoint.resource.strategy.defaults?.(next);
    trackUpdate(endpoint, inVersion(endpoint, current), next, manager(context, options), subresource);
    return toStored(endpoint, next);
  };
  const written = await endpoint.registry.update(namespace, name, change, writeRequest(context, options));
  return objectResponse(endpoint, context, 200, written.bytes);
}

export async function patch(endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const options = writeOptions(context.query);
  const { namespace, name } = context.info;
  const kind = patchKind(mediaType(context.headers["content-type"]));
  const body = await context.body();
  const request = writeRequest(context, options);
  const by = manager(context, options);
  const change = (current: ApiObject | undefined): ApiObject => {
    const before = current && inVersion(endpoint, current);
    const next = patched({ endpoint, kind, body, current: before, options, manager: by, context });
    next.metadata.name ??= name;
    endpoint.resource.strategy.defaults?.(next);
    if (kind !== "apply") trackUpdate(endpoint, before, next, by, context.info.subresource);
    return toStored(endpoint, next);
  };
  if (kind === "apply") return applied(endpoint, context, request, change);
  const written = await endpoint.registry.update(namespace, name, change, request);
  return objectResponse(endpoint, context, 200, written.bytes);
}

/** Server-side apply makes what is not there. */
async function applied(
  endpoint: Endpoint,
  context: RequestContext,
  request: WriteRequest,
  change: (current: ApiObject | undefined) => ApiObject,
): Promise<ApiResponse> {
  const { namespace, name, subresource } = context.info;
  const update = (): Promise<Written> => endpoint.registry.update(namespace, name, change, request);
  try {
    return objectResponse(endpoint, context, 200, (await update()).bytes);
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
    if (subresource !== "") throw notFound(endpoint.resource, name);
  }
  try {
    const written = await endpoint.registry.create(change(undefined), namespace, request);
    return objectResponse(endpoint, context, 201, written.bytes);
  } catch (error) {
    // Somebody else made it in between.
    if (!(error instanceof ApiError) || error.reason !== "AlreadyExists") throw error;
    return objectResponse(endpoint, context, 200, (await update()).bytes);
  }
}

async function readObject(
  endpoint: Endpoint,
  context: RequestContext,
  options: WriteOptions,
  name: string,
): Promise<ApiObject> {
  const { resource, version } = endpoint;
  const namespace = resource.namespaced ? context.info.namespace : "";
  const expected = { kind: resource.kind, apiVersion: groupVersion(endpoint), name, namespace };
  const object = objectOf(await decodedBody(context), expected);
  checkFields(version.model, object, options.fieldValidation, context.warnings);
  return object;
}

export function writeRequest(context: RequestContext, options: WriteOptions): WriteRequest {
  return {
    user: context.user,
    dryRun: options.dryRun,
    warnings: context.warnings,
    subresource: context.info.subresource,
  };
}

/** Who is noted in managedFields: the given name, or the client program's. */
export function manager(context: RequestContext, options: WriteOptions): string {
  if (options.fieldManager !== undefined) return options.fieldManager;
  const agent = context.headers["user-agent"];
  return (typeof agent === "string" ? agent : "unknown").split("/")[0]!.slice(0, 128);
}
