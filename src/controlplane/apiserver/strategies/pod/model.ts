/** The parts of a pod as its defaults and its validation read them. */
import type {
  V1Container,
  V1EphemeralContainer,
  V1LifecycleHandler,
  V1PodSpec,
  V1PodTemplateSpec,
  V1Probe,
  V1Volume,
} from "@kubernetes/client-node";
import type { Json } from "../../validation/json.ts";

export type PodSpec = Json<V1PodSpec>;
export type PodTemplate = Json<V1PodTemplateSpec>;
export type Container = Json<V1Container>;
export type EphemeralContainer = Json<V1EphemeralContainer>;
export type Probe = Json<V1Probe>;
export type Handler = Json<V1LifecycleHandler>;
export type Volume = Json<V1Volume>;

/** Every container with its path: those that run, those that run before, those added to look inside. */
export function allContainers(spec: PodSpec, path: string): [Container, string][] {
  const lists = ["initContainers", "containers", "ephemeralContainers"] as const;
  return lists.flatMap((list) =>
    (spec[list] ?? []).map((container, i): [Container, string] => [container, `${path}.${list}[${i}]`]),
  );
}

/** A sidecar: an init container that goes on running (KEP-753). */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}
