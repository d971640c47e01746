/** What a fresh cluster holds; everything is made where it is missing, and nothing is taken away. */
import type { Loopback } from "../loopback/loopback.ts";
import { ensureNamespaces } from "./namespaces.ts";
import { ensurePolicy } from "./policy/ensure.ts";
import { ensurePriorityClasses } from "./priority_classes.ts";

export async function bootstrapCluster(api: Loopback): Promise<void> {
  await ensureNamespaces(api);
  await Promise.all([ensurePriorityClasses(api), ensurePolicy(api)]);
}
