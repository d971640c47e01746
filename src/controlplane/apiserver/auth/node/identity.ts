/** Which node a user is (pkg/auth/nodeidentifier). */
import type { User } from "../../context.ts";

const prefix = "system:node:";

/** @returns undefined for who is no node; "" for a node without a name */
export function nodeOf({ name, groups }: User): string | undefined {
  if (!name.startsWith(prefix) || !groups.includes("system:nodes")) return undefined;
  return name.slice(prefix.length);
}
