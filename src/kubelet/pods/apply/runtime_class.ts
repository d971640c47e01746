/** A pod's RuntimeClass → the runtime's handler (KEP-585). */
import type { ResourceType } from "../../../api/resource_types.ts";
import type { KubeObject, Pod } from "../../../model/kubernetes.ts";
import type { PodDeps } from "../deps.ts";

interface RuntimeClass extends KubeObject {
  readonly handler: string;
}

const runtimeClasses: ResourceType<RuntimeClass> = {
  group: "node.k8s.io",
  version: "v1",
  plural: "runtimeclasses",
  kind: "RuntimeClass",
  namespaced: false,
};

/** "" is the runtime's default. */
export async function runtimeHandler({ client }: PodDeps, { spec }: Pod): Promise<string> {
  if (!spec.runtimeClassName) return "";
  return (await client.get<RuntimeClass>(runtimeClasses, { name: spec.runtimeClassName })).handler;
}
