/**
 * What columns say of themselves: mostly the description of the field that they show, read from the
 * published client's models when a table of that kind is first asked for, so that no prose is held
 * by a server that prints nothing.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { modelsFolder } from "../../schema/models_folder.ts";

/** A field of a model, "V1PodSpec#nodeName". */
export type FieldReference = `${string}#${string}`;

const found = new Map<string, string>();

/** @param text a description, or the field whose description it is */
export function describe(text: string): string {
  const reference = /^([A-Za-z]*V\d[A-Za-z0-9]*)#([A-Za-z]+)$/.exec(text);
  if (!reference) return text;
  const known = found.get(text);
  if (known !== undefined) return known;
  const description = descriptionOf(reference[1]!, reference[2]!);
  found.set(text, description);
  return description;
}

/** The comment above the field's declaration. */
function descriptionOf(model: string, field: string): string {
  const declaration = readFileSync(path.join(modelsFolder(), `${model}.d.ts`), "utf8");
  const at = declaration.search(new RegExp(`^\\s*'${field}'\\??: `, "m"));
  if (at < 0) throw new Error(`${model} has no field ${field}`);
  const comment = declaration.slice(declaration.lastIndexOf("/**", at), at);
  const lines = comment.split("\n").map((line) => line.replace(/^\s*(\/\*\*|\*\/|\*)\s?/, "").trim());
  return lines.filter((line) => line !== "").join("\n");
}
