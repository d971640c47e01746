/** One version of a definition: its name, columns, subresources, selectable fields and schema. */
import type { Causes } from "../../validation/causes.ts";
import { dns1035Label } from "../../validation/names.ts";
import { jsonPath as parseJsonPath } from "../../printing/json_path.ts";
import { simplePath } from "../simple_path.ts";
import type { JsonSchema } from "../schema/json_schema.ts";
import type { DefinitionVersion, PrinterColumn, ScaleSubresource } from "./definition.ts";
import { validateSchema } from "./validate_schema.ts";

/** KEP-4358. */
const maxSelectableFields = 8;

export function validateVersion(version: DefinitionVersion, path: string, out: Causes): void {
  const wrong = dns1035Label(version.name ?? "");
  if (wrong.length > 0) out.invalid(`${path}.name`, version.name ?? "", wrong.join(","));
  validateDeprecation(version, path, out);
  const schema = version.schema?.openAPIV3Schema;
  const schemaPath = `${path}.schema.openAPIV3Schema`;
  const before = out.list.length;
  if (!schema) out.required(schemaPath, "schemas are required");
  else validateSchema(schema, schemaPath, out);
  version.additionalPrinterColumns?.forEach((column, i) =>
    validateColumn(column, `${path}.additionalPrinterColumns[${i}]`, out),
  );
  if (version.subresources?.scale) validateScale(version.subresources.scale, `${path}.subresources.scale`, out);
  // What is wrong with a schema says nothing of the fields in it.
  if (schema && out.list.length === before) validateSelectable(version, schema, path, out);
}

function validateDeprecation({ deprecated, deprecationWarning }: DefinitionVersion, path: string, out: Causes): void {
  if (deprecationWarning === undefined) return;
  const field = `${path}.deprecationWarning`;
  if (!deprecated) out.invalid(field, deprecationWarning, "can only be set for deprecated versions");
  if (deprecationWarning === "") out.invalid(field, deprecationWarning, "must not be empty");
  if (Buffer.byteLength(deprecationWarning) > 256) out.tooLong(field, 256);
  // eslint-disable-next-line no-control-regex -- these are what a header cannot carry
  if (/[\u0000-\u001f\u007f]/.test(deprecationWarning)) {
    out.invalid(
      field,
      deprecationWarning,
      "must only contain printable UTF-8 characters; non-printable character found",
    );
  }
}

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["binary", "byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

function validateColumn({ name, type, format, jsonPath }: PrinterColumn, path: string, out: Causes): void {
  if (!name) out.required(`${path}.name`);
  if (!type) out.required(`${path}.type`, `must be one of ${columnTypes.join(",")}`);
  else if (!columnTypes.includes(type)) {
    out.invalid(`${path}.type`, type, `must be one of ${columnTypes.join(",")}`);
  }
  if (format && !columnFormats.includes(format)) {
    out.invalid(`${path}.format`, format, `must be one of ${columnFormats.join(",")}`);
  }
  if (!jsonPath) out.required(`${path}.jsonPath`);
  else validatePath(jsonPath, `${path}.jsonPath`, out);
}

function validatePath(text: string, path: string, out: Causes): boolean {
  if (text === "") out.invalid(path, text, "must not be empty");
  else if (!text.startsWith(".")) out.invalid(path, text, "must be a simple json path starting with .");
  else {
    try {
      parseJsonPath(text);
      return true;
    } catch (error) {
      out.invalid(path, text, `is an invalid json path: ${(error as Error).message}`);
    }
  }
  return false;
}

function validateScale(scale: ScaleSubresource, path: string, out: Causes): void {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  validateScalePath(specReplicasPath, `${path}.specReplicasPath`, [".spec."], "should be a json path under .spec", out);
  const underStatus = "should be a json path under .status";
  validateScalePath(statusReplicasPath, `${path}.statusReplicasPath`, [".status."], underStatus, out);
  if (labelSelectorPath) {
    const roots = [".spec.", ".status."];
    const words = "should be a json path under either .status or .spec";
    validateScalePath(labelSelectorPath, `${path}.labelSelectorPath`, roots, words, out);
  }
}

function validateScalePath(
  text: string | undefined,
  path: string,
  roots: readonly string[],
  words: string,
  out: Causes,
): void {
  if (!text) return out.required(path);
  if (!validatePath(text, path, out)) return;
  if (!roots.some((root) => text.startsWith(root))) out.invalid(path, text, words);
  else if (!simplePath(text)) out.invalid(path, text, "must be a simple json path without array notation");
}

function validateSelectable(version: DefinitionVersion, schema: JsonSchema, path: string, out: Causes): void {
  const fields = version.selectableFields ?? [];
  if (fields.length > maxSelectableFields) {
    out.tooMany(`${path}.selectableFields`, fields.length, maxSelectableFields);
  }
  const seen = new Set<string>();
  fields.forEach(({ jsonPath }, i) => {
    const at = `${path}.selectableFields[${i}].jsonPath`;
    if (!jsonPath) return out.required(at);
    if (seen.has(jsonPath)) out.duplicate(at, jsonPath);
    seen.add(jsonPath);
    const steps = simplePath(jsonPath);
    if (!steps) return out.invalid(at, jsonPath, "is an invalid path: must be a simple json path starting with .");
    if (steps[0] === "metadata") return out.invalid(at, jsonPath, "must not point to fields in metadata");
    const found = fieldAt(schema, steps);
    if (!found) return out.invalid(at, jsonPath, "is an invalid path: does not refer to a valid field");
    if (!["string", "boolean", "integer"].includes(found.type ?? "")) {
      out.invalid(
        at,
        jsonPath,
        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
      );
    }
  });
}

function fieldAt(schema: JsonSchema, steps: readonly string[]): JsonSchema | undefined {
  let found: JsonSchema | undefined = schema;
  for (const step of steps) found = found?.properties?.[step];
  return found;
}
