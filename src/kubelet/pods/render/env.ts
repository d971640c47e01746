/** A container's environment (pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables). */
import type { Pod, Service } from "../../../model/kubernetes.ts";
import type { ContainerSpec } from "../containers.ts";
import { expand } from "./expansion.ts";
import { fieldOf, resourceOf, type NodeFacts } from "./field_ref.ts";
import { serviceEnvironment } from "./service_env.ts";

/** The pod's configuration objects as they were read; undefined: not there. */
export interface Sources {
  configMap(name: string): Readonly<Record<string, string>> | undefined;
  secret(name: string): Readonly<Record<string, string>> | undefined;
}

export interface EnvInput {
  readonly pod: Pod;
  readonly container: ContainerSpec;
  readonly sources: Sources;
  readonly services: readonly Service[];
  readonly node: NodeFacts;
}

type EnvVar = NonNullable<ContainerSpec["env"]>[number];

/** @throws Error with upstream's words, where something that must be there is not */
export function environment(input: EnvInput): ReadonlyMap<string, string> {
  const { pod, container, services } = input;
  const linked = serviceEnvironment(services, pod.metadata.namespace ?? "", pod.spec.enableServiceLinks !== false);
  const result = new Map<string, string>();
  for (const from of container.envFrom ?? []) addAll(input, from, result);
  for (const variable of container.env ?? []) {
    const value = valueOf(input, variable, (name) => result.get(name) ?? linked.get(name));
    if (value !== undefined) result.set(variable.name, value);
  }
  for (const [name, value] of linked) if (!result.has(name)) result.set(name, value);
  return result;
}

type EnvFrom = NonNullable<ContainerSpec["envFrom"]>[number];

function addAll({ sources }: EnvInput, from: EnvFrom, result: Map<string, string>): void {
  const { configMapRef, secretRef, prefix = "" } = from;
  const ref = configMapRef ?? secretRef;
  if (!ref?.name) return;
  const data = configMapRef ? sources.configMap(ref.name) : sources.secret(ref.name);
  if (!data) {
    if (ref.optional) return;
    throw new Error(`${configMapRef ? "configmap" : "secret"} "${ref.name}" not found`);
  }
  for (const [key, value] of Object.entries(data)) result.set(prefix + key, value);
}

function valueOf(
  input: EnvInput,
  { value = "", valueFrom }: EnvVar,
  lookup: (name: string) => string | undefined,
): string | undefined {
  if (!valueFrom) return expand(value, lookup);
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef) return fieldOf(input.pod, fieldRef.fieldPath, input.node);
  if (resourceFieldRef) return resourceOf(input.pod, input.container, resourceFieldRef, input.node);
  if (configMapKeyRef) return keyOf(input, "ConfigMap", configMapKeyRef);
  if (secretKeyRef) return keyOf(input, "Secret", secretKeyRef);
  return "";
}

interface KeyRef {
  readonly name?: string;
  readonly key: string;
  readonly optional?: boolean;
}

function keyOf({ pod, sources }: EnvInput, kind: "ConfigMap" | "Secret", ref: KeyRef): string | undefined {
  const name = ref.name ?? "";
  const data = kind === "ConfigMap" ? sources.configMap(name) : sources.secret(name);
  const value = data?.[ref.key];
  if (value !== undefined) return value;
  if (ref.optional) return undefined;
  if (!data) throw new Error(`${kind.toLowerCase()} "${name}" not found`);
  throw new Error(`couldn't find key ${ref.key} in ${kind} ${pod.metadata.namespace ?? ""}/${name}`);
}
