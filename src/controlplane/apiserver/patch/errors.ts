/** Refusals of a patch, in upstream's forms (apiserver/pkg/endpoints/handlers/patch.go). */
import { ApiError, invalid } from "../status.ts";

/** 422 for a patch that cannot be applied; upstream does not say why. */
export function unprocessable(): ApiError {
  return new ApiError("Invalid", "the server rejected our request due to an error in our request", {});
}

/** 422 for a patch whose result is no object of the kind. */
export function invalidResult(patched: unknown, why: string): ApiError {
  const message = `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${why}`;
  const nobody = { group: "", plural: "", kind: "" };
  return invalid(nobody, "", [{ reason: "FieldValueInvalid", field: "patch", message }]);
}

/** Most levels of a body: a walk by recursion is safe within. */
const maxDepth = 1000;

/** @throws ApiError 400 for values nested so deep that no object of the API is */
export function refuseDepth<T>(value: T): T {
  if (isDeeper(value, maxDepth)) throw new ApiError("BadRequest", "exceeded max depth");
  return value;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
