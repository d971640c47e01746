/** Regular expressions of schemas and rules, in RE2's syntax and linear time. */
import type { RE2JS } from "re2js";
import { load } from "../../load.ts";

/** Compiled ones that are kept: definitions repeat theirs, and each costs a fraction of a millisecond. */
const maxPatterns = 4096;
const compiled = new Map<string, RE2JS>();

/** @throws Error for what is no pattern */
export function patternOf(text: string): RE2JS {
  const known = compiled.get(text);
  if (known) return known;
  const made = load("re2js").RE2JS.compile(text);
  if (compiled.size >= maxPatterns) compiled.clear();
  compiled.set(text, made);
  return made;
}
