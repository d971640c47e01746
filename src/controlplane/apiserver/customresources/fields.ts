/** The fields of a custom resource as a request brings them: metadata as every object has it, the rest by its schema. */
import type { ApiObject, Version } from "../resources/resource.ts";
import { ApiError } from "../status.ts";
import { checkFields, tellUnknown } from "../validation/fields.ts";
import type { Schema } from "./schema/compile.ts";
import { prune } from "./schema/prune.ts";

/** Levels of a value at the most: what walks it, walks it by recursion. */
const maxDepth = 250;
/** A model that has nothing that is checked here but metadata. */
const metadataModel = "V1ServiceAccount";

export function fieldsCheck(schema: Schema): NonNullable<Version["checkFields"]> {
  return (object, validation, warnings) => {
    refuseDepth(object);
    const shell = { apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata };
    const unknown: string[] = [];
    checkFields(metadataModel, shell, "Warn", unknown);
    const ofMetadata = unknown.map((message) => /"(.*)"/.exec(message)?.[1] ?? message);
    tellUnknown(object, [...ofMetadata, ...prune(object, schema, true)], validation, warnings);
  };
}

/** @throws ApiError 400 */
function refuseDepth(object: ApiObject): void {
  let level: unknown[] = [object];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth)
      throw new ApiError("BadRequest", "the object provided is nested too deep: exceeded max depth");
    level = level.flatMap((value) =>
      typeof value === "object" && value !== null ? (Object.values(value) as unknown[]) : [],
    );
  }
}
