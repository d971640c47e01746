/** A configuration file → a typed value, or one error that names every field that is wrong by its path. */
import { readFileSync } from "node:fs";
import { parseAllDocuments, parseDocument } from "yaml";
import type { z } from "zod";
import { FairleadError } from "../errors/catalogue.ts";

/** @throws FairleadError CONFIG_UNREADABLE, CONFIG_INVALID */
export function readConfig<Schema extends z.ZodType>(file: string, schema: Schema): z.output<Schema> {
  return checkConfig(readDocument(file), file, schema);
}

/** What the file says, unchecked. @throws FairleadError CONFIG_UNREADABLE, CONFIG_INVALID */
export function readDocument(file: string): unknown {
  return documentOf(textOf(file), file);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new FairleadError("CONFIG_UNREADABLE", { subject: file, cause });
  }
}

/** The documents of a file, apart by "---"; empty ones are left out. @throws FairleadError CONFIG_UNREADABLE, CONFIG_INVALID */
export function readDocuments(file: string): readonly unknown[] {
  const documents = parseAllDocuments(textOf(file), { uniqueKeys: true });
  if ("empty" in documents) return [];
  const broken = documents.flatMap(({ errors }) => errors)[0];
  if (broken) throw new FairleadError("CONFIG_INVALID", { subject: file, reason: broken.message.split("\n")[0] ?? "" });
  return documents.map((document) => document.toJS() as unknown).filter((document) => document !== null);
}

/** @param file for errors. @throws FairleadError CONFIG_INVALID */
export function parseConfig<Schema extends z.ZodType>(text: string, file: string, schema: Schema): z.output<Schema> {
  return checkConfig(documentOf(text, file), file, schema);
}

function documentOf(text: string, file: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true });
  const [broken] = document.errors;
  if (broken) throw new FairleadError("CONFIG_INVALID", { subject: file, reason: broken.message.split("\n")[0] ?? "" });
  return document.toJS() as unknown;
}

/** @param file for errors. @throws FairleadError CONFIG_INVALID */
export function checkConfig<Schema extends z.ZodType>(
  document: unknown,
  file: string,
  schema: Schema,
): z.output<Schema> {
  const result = schema.safeParse(withoutNulls(document));
  if (result.success) return result.data;
  throw new FairleadError("CONFIG_INVALID", {
    subject: file,
    reason: result.error.issues.flatMap(describe).join("; "),
  });
}

/** A null is a field that lacks, as Go decodes it. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]));
}

/** "iptables.masqueradeBit: must be within the range [0, 31]" */
function describe(issue: z.core.$ZodIssue): string[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => `${pathText([...path, key])}: unknown field`);
  return [`${pathText(path)}: ${issue.message}`];
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "the document";
  return path
    .map((step, i) => (typeof step === "number" ? `[${step}]` : `${i === 0 ? "" : "."}${String(step)}`))
    .join("");
}
