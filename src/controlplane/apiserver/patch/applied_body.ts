/** The body of an apply: an object in YAML, of which JSON is a part, with duplicate keys refused where asked to. */
import type { parseDocument } from "yaml";
import { load } from "../load.ts";
import type { WriteOptions } from "../request/options.ts";
import { isTooDeep } from "../request/yaml_depth.ts";
import { ApiError } from "../status.ts";
import { duplicateKeys } from "./duplicate_keys.ts";
import { refuseDepth } from "./errors.ts";

/** @throws ApiError 400 */
export function appliedBody(body: Buffer, validation: WriteOptions["fieldValidation"], warnings: string[]): unknown {
  const text = body.toString();
  const fromJson = parsedJson(text);
  if (fromJson !== undefined) {
    tellDuplicates(duplicateKeys(text), validation, warnings);
    return refuseDepth(fromJson);
  }
  const document = parsedYaml(text);
  const isRepeated = (error: { readonly code: string }): boolean => error.code === "DUPLICATE_KEY";
  const problem = document.errors.find((error) => !isRepeated(error));
  if (problem) throw new ApiError("BadRequest", `error decoding YAML: ${problem.message}`);
  const repeated = document.errors.filter(isRepeated).map(({ message }) => message.split(" at line")[0]!);
  tellDuplicates(repeated, validation, warnings);
  return refuseDepth(valueOf(document));
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function parsedYaml(text: string): ReturnType<typeof parseDocument> {
  if (isTooDeep(text)) throw new ApiError("BadRequest", "error decoding YAML: exceeded max depth");
  try {
    return load("yaml").parseDocument(text, { logLevel: "silent" });
  } catch (cause) {
    throw new ApiError("BadRequest", `error decoding YAML: ${(cause as Error).message}`);
  }
}

function valueOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    // An alias can name much text with few bytes: no more of them than a person writes.
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (cause) {
    throw new ApiError("BadRequest", `error decoding YAML: ${(cause as Error).message}`);
  }
}

function tellDuplicates(
  problems: readonly string[],
  validation: WriteOptions["fieldValidation"],
  warnings: string[],
): void {
  if (problems.length === 0 || validation === "Ignore") return;
  if (validation === "Warn") warnings.push(...problems);
  else
    throw new ApiError(
      "BadRequest",
      `error strict decoding YAML: error converting YAML to JSON: ${problems.join(", ")}`,
    );
}
