/** Fields of an object in a version, against its model or its definition. */
import type { ApiObject, Version } from "../resources/resource.ts";
import { checkFields } from "../validation/fields.ts";

/**
 * Drops unknown fields and nulls, tells or refuses them as asked, and refuses values of a wrong type.
 *
 * @throws ApiError 400
 */
export function checkVersionFields(
  version: Version,
  object: ApiObject,
  validation: "Ignore" | "Warn" | "Strict",
  warnings: string[],
): void {
  if (version.checkFields) version.checkFields(object, validation, warnings);
  else checkFields(version.model, object, validation, warnings);
}
