/** PATCH: what a patch of each kind makes of an object. */
import type { RequestContext } from "../context.ts";
import { parseJson, unsupported } from "../request/body.ts";
import type { WriteOptions } from "../request/options.ts";
import type { ApiObject } from "../resources/resource.ts";
import { ApiError } from "../status.ts";
import type { Endpoint } from "../verbs/endpoint.ts";
import { checkFields } from "../validation/fields.ts";
import { mergePatch } from "./merge.ts";

export type PatchKind = "json" | "merge" | "strategic" | "apply";

const kinds: Readonly<Record<string, PatchKind>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** @throws ApiError 415 for any other media type */
export function patchKind(mediaType: string): PatchKind {
  const kind = kinds[mediaType];
  if (!kind) throw unsupported(mediaType, Object.keys(kinds));
  return kind;
}

export interface PatchRequest {
  readonly endpoint: Endpoint;
  readonly kind: PatchKind;
  readonly body: Buffer;
  /** Undefined only for apply, of an object that is not there. */
  readonly current: ApiObject | undefined;
  readonly options: WriteOptions;
  readonly manager: string;
  readonly context: RequestContext;
}

/** The object that the patch makes; `current` is not changed. */
export function patched(request: PatchRequest): ApiObject {
  const { endpoint, kind, body, current, options, context } = request;
  switch (kind) {
    case "merge": {
      const next = mergePatch(current, parseJson(body)) as ApiObject;
      checkFields(endpoint.version.model, next, options.fieldValidation, context.warnings);
      return next;
    }
    case "json":
    case "strategic":
    case "apply":
      throw new ApiError("UnsupportedMediaType", `patches of kind ${kind} are not there yet`);
  }
}
