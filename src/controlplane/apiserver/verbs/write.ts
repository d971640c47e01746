/** POST, PUT and PATCH. */
import type { ApiResponse, RequestContext } from "../context.ts";
import { trackUpdate } from "../patch/managed_fields.ts";
import { patched, patchKind, type PatchKind } from "../patch/patch.ts";
import { decodedBody, mediaType, objectOf } from "../request/body.ts";
import { writeOptions, type WriteOptions } from "../request/options.ts";
import type { ApiObject } from "../resources/resource.ts";
import { ApiError, conflict, invalid, notFound, type Cause } from "../status.ts";
import type { WriteRequest, Written } from "../storage/registry.ts";
import { invalidValue, required } from "../validation/metadata.ts";
import { checkVersionFields } from "./check.ts";
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
  const { namespace, name, subresource } = context.info;
  const kind = patchKind(mediaType(context.headers["content-type"]), endpoint);
  checkPatchOptions(kind, options);
  const body = await context.body();
  const request = writeRequest(context, options);
  const by = manager(context, options);
  const told = context.warnings.length;
  const change = (current: ApiObject | undefined): ApiObject => {
    const before = current && inVersion(endpoint, current);
    // A change may be made again on top of another writer's: its warnings are told once.
    context.warnings.length = told;
    const next = patched({ endpoint, kind, body, current: before, options, manager: by, context });
    endpoint.resource.strategy.defaults?.(next);
    if (kind !== "apply") trackUpdate(endpoint, before, next, by, subresource);
    return toStored(endpoint, next);
  };
  if (kind === "apply") return applied(endpoint, context, request, change);
  const written = await endpoint.registry.update(namespace, name, change, request);
  return objectResponse(endpoint, context, 200, written.bytes);
}

/** @throws ApiError 422 in upstream's words (meta/v1/validation.ValidatePatchOptions) */
function checkPatchOptions(kind: PatchKind, options: WriteOptions): void {
  const causes = managerCauses(options);
  if (kind === "apply" && options.fieldManager === undefined) {
    causes.push(required("fieldManager", "is required for apply patch"));
  }
  if (kind !== "apply" && options.force) {
    const message = "Forbidden: may not be specified for non-apply patch";
    causes.push({ reason: "FieldValueForbidden", message, field: "force" });
  }
  if (causes.length > 0) throw invalid(patchOptions, "", causes);
}

const patchOptions = { group: "meta.k8s.io", plural: "", kind: "PatchOptions" };

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
    const written = await endpoint.registry.create(created(endpoint, name, change), namespace, request);
    return objectResponse(endpoint, context, 201, written.bytes);
  } catch (error) {
    // Somebody else made it in between.
    if (!(error instanceof ApiError) || error.reason !== "AlreadyExists") throw error;
    return objectResponse(endpoint, context, 200, (await update()).bytes);
  }
}

/** @throws ApiError 409 where the applied object is said to be there already */
function created(endpoint: Endpoint, name: string, change: (current: undefined) => ApiObject): ApiObject {
  const object = change(undefined);
  const { uid } = object.metadata;
  if (uid !== undefined && uid !== "") {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: `;
    throw conflict(endpoint.resource, name, why);
  }
  return object;
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
  checkVersionFields(version, object, options.fieldValidation, context.warnings);
  return object;
}

export function writeRequest(context: RequestContext, options: WriteOptions): WriteRequest {
  return {
    user: context.user,
    dryRun: options.dryRun,
    warnings: context.warnings,
    subresource: context.info.subresource,
    fence: context.fence,
  };
}

/** Longest name of a manager, in bytes. */
const maxManagerLength = 128;

/** What is wrong with a manager's name (meta/v1/validation.ValidateFieldManager). */
function managerCauses({ fieldManager = "" }: WriteOptions): Cause[] {
  const field = "fieldManager";
  if (Buffer.byteLength(fieldManager) > maxManagerLength) {
    const message = `Too long: may not be more than ${maxManagerLength} bytes`;
    return [{ reason: "FieldValueTooLong", message, field }];
  }
  const isPrintable = /^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(fieldManager);
  return isPrintable ? [] : [invalidValue(field, fieldManager, "should only contain printable characters")];
}

/**
 * Who is noted in managedFields: the given name, or the client program's.
 *
 * @throws ApiError 422 for a name that is none
 */
export function manager(context: RequestContext, options: WriteOptions): string {
  const causes = managerCauses(options);
  if (causes.length > 0)
    throw invalid({ ...patchOptions, kind: `${optionsKind(context.info.verb)}Options` }, "", causes);
  if (options.fieldManager !== undefined) return options.fieldManager;
  const agent = context.headers["user-agent"];
  return (typeof agent === "string" ? agent : "unknown").split("/")[0]!.slice(0, maxManagerLength);
}

/** "create" → "Create": the kind of a verb's options. */
function optionsKind(verb: string): string {
  return verb.slice(0, 1).toUpperCase() + verb.slice(1);
}
