/** JSON merge patch (RFC 7396). */
import { define } from "./apply/merge.ts";
import { isMap } from "./types/merge_type.ts";

/** What the patch makes of the target; neither is changed, and parts of both are shared. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result: Record<string, unknown> = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else define(result, key, mergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}
