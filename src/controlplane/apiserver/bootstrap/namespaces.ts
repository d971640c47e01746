/** Namespaces that every cluster has (upstream's systemnamespaces controller). */
import type { Loopback } from "../loopback/loopback.ts";

const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Makes those that are missing. */
export async function ensureNamespaces(api: Loopback): Promise<void> {
  await Promise.all(
    systemNamespaces.map(async (name) => {
      if (await api.get(`/api/v1/namespaces/${name}`)) return;
      await api.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }),
  );
}
