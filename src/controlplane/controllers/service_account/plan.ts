/** Which ServiceAccounts a namespace should have and has not. Pure. */
import type { Namespace } from "../../../model/kubernetes.ts";

const managed: readonly string[] = ["default"];

/** @param present names of those that are there */
export function missingAccounts(namespace: Namespace | undefined, present: readonly string[]): readonly string[] {
  if (namespace?.status?.phase !== "Active") return [];
  return managed.filter((name) => !present.includes(name));
}
