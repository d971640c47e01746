import { isDeepStrictEqual } from "node:util";
import type { ApiObject } from "../resources/resource.ts";

/** Whether anything but metadata and status differs: what metadata.generation counts. */
export function specChanged(object: ApiObject, old: ApiObject): boolean {
  return !isDeepStrictEqual(withoutMetadataAndStatus(object), withoutMetadataAndStatus(old));
}

function withoutMetadataAndStatus(object: ApiObject): object {
  const { metadata: _metadata, status: _status, ...rest } = object;
  return rest;
}
