/** Refusals of strategic merge patches, in upstream's words (apimachinery/pkg/util/mergepatch/errors.go). */
import { ApiError } from "../../status.ts";
import { unprocessable } from "../errors.ts";
import { isMap } from "../types/merge_type.ts";

export const badPrimitiveList = (): ApiError => bad("invalid patch format of primitive list");
export const badRetainKeys = (): ApiError => bad("invalid patch format of retainKeys");
export const badElementOrder = (): ApiError => bad("invalid patch format of setElementOrder list");
export const notInRetainKeys = (): ApiError => bad("patch content doesn't match retainKeys list");
export const listOfLists = (): ApiError => unprocessable();
export const badDirective = (directive: unknown, patch: unknown): ApiError =>
  bad(`unknown patch type [${goText(directive)}] in map: ${goText(patch)}`);
export const noMergeKey = (item: unknown, key: string): ApiError =>
  bad(`map: ${goText(item)} does not contain declared merge key: ${key}`);
export const noDeclaredKey = (): ApiError => bad("cannot merge lists without merge key");
export const mixedList = (): ApiError => bad("list element types are not identical");
export const mergeInList = (): ApiError => bad("merging lists cannot yet be specified in the patch");
export const orderMismatch = (list: unknown, order: unknown): ApiError =>
  bad(`The order in patch list:\n${goText(list)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`);

function bad(message: string): ApiError {
  return new ApiError("BadRequest", message);
}

/** A value as Go prints it with %v. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (isMap(value)) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, inner]) => `${key}:${goText(inner)}`).join(" ")}]`;
  }
  return value === null ? "<nil>" : typeof value === "string" ? value : JSON.stringify(value);
}
