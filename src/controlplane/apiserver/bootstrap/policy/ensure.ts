/** Writes the default policy. */
import type { ApiObject } from "../../resources/resource.ts";
import type { Loopback } from "../../loopback/loopback.ts";
import { policyObjects } from "./objects.ts";
import { hasOtherRole, reconciled } from "./reconcile.ts";

const plurals: Readonly<Record<string, string>> = {
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  Role: "roles",
  RoleBinding: "rolebindings",
};

/** Makes what is missing and adds what is missing of it. */
export async function ensurePolicy(api: Loopback): Promise<void> {
  // All at once: the store commits what waits together.
  await Promise.all(policyObjects().map((object) => ensureObject(api, object)));
}

async function ensureObject(api: Loopback, wanted: ApiObject): Promise<void> {
  const { namespace, name } = wanted.metadata;
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  const collection = `/apis/rbac.authorization.k8s.io/v1${scope}/${plurals[wanted.kind]!}`;
  const path = `${collection}/${encodeURIComponent(name!)}`;
  const found = await api.get(path);
  if (!found) {
    await api.create(collection, wanted);
    return;
  }
  if (wanted.kind.endsWith("Binding") && hasOtherRole(wanted, found)) return;
  const changed = reconciled(wanted, found);
  if (changed) await api.update(path, changed);
}
