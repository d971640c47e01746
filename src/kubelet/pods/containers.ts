/** The containers of a pod's specification, by their kinds. */
import type { ObjectReference } from "../../api/event_recorder.ts";
import type { Pod } from "../../model/kubernetes.ts";
import { qosClassOf as qosClassOfSpec, type QosClass } from "../../model/qos_class.ts";

export type ContainerSpec = Pod["spec"]["containers"][number];

export type ContainerKind = "init" | "regular" | "ephemeral";

export interface PodContainer {
  readonly kind: ContainerKind;
  readonly spec: ContainerSpec;
}

export function allContainers({ spec }: Pod): readonly PodContainer[] {
  return [
    ...(spec.initContainers ?? []).map((container) => ({ kind: "init" as const, spec: container })),
    ...spec.containers.map((container) => ({ kind: "regular" as const, spec: container })),
    ...(spec.ephemeralContainers ?? []).map((container) => ({
      kind: "ephemeral" as const,
      spec: container,
    })),
  ];
}

const fieldOf = { init: "initContainers", regular: "containers", ephemeral: "ephemeralContainers" } as const;

/** What an Event about a container is about: the pod, and which part of it (pkg/kubelet/container/ref.go). */
export function containerSubject(pod: Pod, name: string): ObjectReference {
  const { apiVersion, kind, metadata } = pod;
  const found = allContainers(pod).find(({ spec }) => spec.name === name);
  return { apiVersion, kind, metadata, ...(found ? { fieldPath: `spec.${fieldOf[found.kind]}{${name}}` } : {}) };
}

/** An init container that runs on beside the others (KEP-753). */
export function isSidecar({ kind, spec }: PodContainer): boolean {
  return kind === "init" && spec.restartPolicy === "Always";
}

function restartPolicyOf(pod: Pod, container: PodContainer): "Always" | "OnFailure" | "Never" {
  if (isSidecar(container)) return "Always";
  if (container.kind === "ephemeral") return "Never";
  const policy = (pod.spec.restartPolicy ?? "Always") as "Always" | "OnFailure" | "Never";
  // An init container that has ended well is done.
  return container.kind === "init" && policy === "Always" ? "OnFailure" : policy;
}

export function restarts(pod: Pod, container: PodContainer, exitCode: number): boolean {
  const policy = restartPolicyOf(pod, container);
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

/** As the API server found it; of a file's pod, which has none yet, by the same rule. */
export function qosClassOf({ spec, status }: Pod): QosClass {
  return (status?.qosClass ?? qosClassOfSpec(spec)) as QosClass;
}

export function isHostNetwork({ spec }: Pod): boolean {
  return spec.hostNetwork === true;
}

/** Seconds; a deletion says its own. */
export function graceSecondsOf({ metadata, spec }: Pod): number {
  return metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
}
