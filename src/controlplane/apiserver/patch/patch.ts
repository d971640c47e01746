/** PATCH: what a patch of each kind makes of an object. */
import type { RequestContext } from "../context.ts";
import { objectOf, parseJson, unsupported } from "../request/body.ts";
import type { WriteOptions } from "../request/options.ts";
import type { ApiObject } from "../resources/resource.ts";
import { ApiError } from "../status.ts";
import { checkVersionFields } from "../verbs/check.ts";
import { groupVersion, type Endpoint } from "../verbs/endpoint.ts";
import { applied, typedError } from "./apply/apply.ts";
import { define } from "./apply/merge.ts";
import { appliedBody } from "./applied_body.ts";
import { invalidResult, refuseDepth } from "./errors.ts";
import { jsonPatch, unknownFields } from "./json_patch.ts";
import { mergePatch } from "./merge.ts";
import { strategicMergePatch } from "./strategic/strategic.ts";
import { isMap } from "./types/merge_type.ts";

export type PatchKind = "json" | "merge" | "strategic" | "apply";

const kinds: Readonly<Record<string, PatchKind>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** @throws ApiError 415 for any other media type, and for strategic patches of what no model describes */
export function patchKind(mediaType: string, endpoint: Pick<Endpoint, "version">): PatchKind {
  const kind = Object.hasOwn(kinds, mediaType) ? kinds[mediaType] : undefined;
  const isCustom = endpoint.version.mergeType !== undefined;
  if (kind && !(isCustom && kind === "strategic")) return kind;
  throw unsupported(
    mediaType,
    Object.keys(kinds).filter((type) => !isCustom || kinds[type] !== "strategic"),
  );
}

export interface PatchRequest {
  readonly endpoint: Pick<Endpoint, "resource" | "version">;
  readonly kind: PatchKind;
  readonly body: Buffer;
  /** Undefined only for apply, of an object that is not there. */
  readonly current: ApiObject | undefined;
  readonly options: WriteOptions;
  readonly manager: string;
  readonly context: Pick<RequestContext, "info" | "warnings">;
  /** Wall clock; default now. */
  readonly nowMs?: number;
}

/** The object that the patch makes; `current` is not changed. @throws ApiError 4xx */
export function patched(request: PatchRequest): ApiObject {
  return request.kind === "apply" ? afterApply(request) : afterPatch(request);
}

function afterPatch(request: PatchRequest): ApiObject {
  const { endpoint, kind, body, current, options, context } = request;
  const patch = refuseDepth(parseJson(body));
  const problems = kind === "json" ? unknownFields(patch).map((path) => `json patch unknown field "${path}"`) : [];
  const result = patchedValue(kind, endpoint, structuredClone(current), patch);
  const object = objectOf(result, expectedOf(request));
  checkResult(endpoint, object, options, problems, context.warnings);
  return object;
}

function patchedValue(
  kind: PatchKind,
  { version }: Pick<Endpoint, "version">,
  current: unknown,
  patch: unknown,
): unknown {
  if (kind === "json") return jsonPatch(current, patch);
  if (!isMap(patch)) throw new ApiError("BadRequest", "json: cannot unmarshal a patch that is not an object");
  return kind === "merge" ? mergePatch(current, patch) : strategicMergePatch(version.model, current, patch);
}

/** Unknown fields of the result are told as those of the patch are; what no object of the kind can hold is refused. */
function checkResult(
  endpoint: Pick<Endpoint, "version">,
  object: ApiObject,
  { fieldValidation }: WriteOptions,
  problems: string[],
  warnings: string[],
): void {
  const whole = JSON.stringify(object).length <= maxToldLength ? structuredClone(object) : {};
  const unknown: string[] = [];
  try {
    checkVersionFields(endpoint.version, object, "Warn", unknown);
  } catch (error) {
    if (error instanceof ApiError && error.reason === "BadRequest") throw invalidResult(whole, error.message);
    throw error;
  }
  const all = [...problems, ...unknown];
  if (all.length === 0 || fieldValidation === "Ignore") return;
  if (fieldValidation === "Strict") throw invalidResult(whole, `strict decoding error: ${all.join(", ")}`);
  warnings.push(...all);
}

/** Longest object that a refusal repeats, in characters. */
const maxToldLength = 16 * 1024;

function afterApply(request: PatchRequest): ApiObject {
  const { endpoint, body, current, options, manager, context } = request;
  const config = appliedConfig(request, appliedBody(body, options.fieldValidation, context.warnings));
  const next = applied({
    endpoint,
    live: current,
    config,
    manager,
    subresource: context.info.subresource,
    force: options.force,
    nowMs: request.nowMs ?? Date.now(),
  });
  const object = structuredClone(next);
  // Nulls that the configuration writes are fields that are not there.
  checkVersionFields(endpoint.version, object, "Ignore", []);
  return object;
}

/** @throws ApiError 400 for what is no configuration of this object */
function appliedConfig(request: PatchRequest, body: unknown): ApiObject {
  const { endpoint } = request;
  const expected = expectedOf(request);
  if (!isMap(body)) throw new ApiError("BadRequest", "error decoding YAML: the object provided is not an object");
  const { apiVersion, kind } = body;
  if (typeof apiVersion !== "string" || apiVersion === "" || typeof kind !== "string" || kind === "") {
    throw new ApiError(
      "BadRequest",
      `invalid object type: ${typeof apiVersion === "string" ? apiVersion : ""}, Kind=${typeof kind === "string" ? kind : ""}`,
    );
  }
  if (apiVersion !== expected.apiVersion) {
    throw new ApiError(
      "BadRequest",
      `Incorrect version specified in apply patch. Specified patch version: ${apiVersion}, expected: ${expected.apiVersion}`,
    );
  }
  const config = objectOf(body, expected);
  if (config.metadata.managedFields !== undefined && config.metadata.managedFields !== null) {
    throw new ApiError("BadRequest", "metadata.managedFields must be nil");
  }
  return checkedConfig(endpoint, config);
}

/**
 * The configuration with its quantities as the object has them. Fields that the API does not have are refused whatever
 * fieldValidation says: nobody could manage them.
 */
function checkedConfig({ version }: Pick<Endpoint, "version">, config: ApiObject): ApiObject {
  const unknown: string[] = [];
  const checked = structuredClone(config);
  try {
    checkVersionFields(version, checked, "Warn", unknown);
  } catch (error) {
    if (error instanceof ApiError && error.reason === "BadRequest") throw typedError(config, error.message);
    throw error;
  }
  if (unknown.length === 0) return restoredNulls(config, checked) as ApiObject;
  const problems = unknown.map((message) => `.${/"(.*)"/.exec(message)?.[1] ?? message}: field not declared in schema`);
  throw typedError(config, problems.length === 1 ? problems[0]! : `errors:\n  ${problems.join("\n  ")}`);
}

/** Puts back the nulls that the check dropped: whoever writes null wants nothing to be there. */
function restoredNulls(original: unknown, checked: unknown): unknown {
  if (Array.isArray(original) && Array.isArray(checked)) {
    return checked.map((item: unknown, i) => restoredNulls(original[i], item));
  }
  if (!isMap(original) || !isMap(checked)) return checked;
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(original)) {
    if (value === null) define(result, name, null);
    else if (Object.hasOwn(checked, name)) define(result, name, restoredNulls(value, checked[name]));
  }
  return result;
}

function expectedOf({ endpoint, context }: PatchRequest) {
  const { resource } = endpoint;
  return {
    kind: resource.kind,
    apiVersion: groupVersion(endpoint),
    name: context.info.name,
    namespace: resource.namespaced ? context.info.namespace : "",
  };
}
