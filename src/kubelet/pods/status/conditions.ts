/** A pod's conditions (pkg/kubelet/status/generate.go). */
import type { Pod } from "../../../model/kubernetes.ts";
import { allContainers, isHostNetwork, isSidecar } from "../containers.ts";
import { currentSandbox } from "../observed.ts";
import type { ContainerStatus, ContainerStatuses, PodStatus, StatusInput } from "./input.ts";
import { isFinal, type Phase } from "./phase.ts";

type Condition = NonNullable<PodStatus["conditions"]>[number];

interface Finding {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason?: string;
  readonly message?: string;
}

export function podConditions(input: StatusInput, statuses: ContainerStatuses, phase: Phase): readonly Condition[] {
  const containers = containersReady(input.pod, statuses, phase);
  const findings: readonly Finding[] = [
    { type: "PodReadyToStartContainers", status: hasSandbox(input) ? "True" : "False" },
    initialized(input.pod, statuses, phase),
    podReady(input.pod, containers),
    containers,
    { type: "PodScheduled", status: "True" },
  ];
  const disrupted = input.hasEnded ? input.failure?.disruption : undefined;
  const all = disrupted === undefined ? findings : [...findings, disruptionTarget(disrupted)];
  const own = all.map((finding) => withTimes(input, finding));
  const types = new Set(own.map(({ type }) => type));
  // Those of others (readiness gates, DisruptionTarget) stay as they are.
  const others = (input.pod.status?.conditions ?? []).filter(({ type }) => !types.has(type));
  return [...own, ...others];
}

function disruptionTarget(message: string): Finding {
  return { type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet", message };
}

function hasSandbox({ pod, observed }: StatusInput): boolean {
  const sandbox = currentSandbox(observed);
  return sandbox?.isReady === true && (isHostNetwork(pod) || sandbox.ips.length > 0);
}

function withTimes({ pod, now }: StatusInput, finding: Finding): Condition {
  const before = pod.status?.conditions?.find(({ type }) => type === finding.type);
  const generation = pod.metadata.generation;
  const condition = {
    ...finding,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastProbeTime: null,
    lastTransitionTime: before?.status === finding.status ? (before.lastTransitionTime ?? now) : now,
  };
  return condition as unknown as Condition;
}

function initialized(pod: Pod, { init }: ContainerStatuses, phase: Phase): Finding {
  const type = "Initialized";
  const containers = allContainers(pod).filter(({ kind }) => kind === "init");
  const pending = containers.filter((container, i) => {
    const status = init[i];
    return isSidecar(container) ? !status?.started : !hasEndedWell(status);
  });
  if (phase === "Succeeded") return { type, status: "True", reason: "PodCompleted" };
  if (pending.length === 0) return { type, status: "True" };
  const names = pending.map(({ spec }) => spec.name).join(" ");
  const message = `containers with incomplete status: [${names}]`;
  return { type, status: "False", reason: "ContainersNotInitialized", message };
}

function hasEndedWell(status: ContainerStatus | undefined): boolean {
  return (status?.state?.terminated ?? status?.lastState?.terminated)?.exitCode === 0;
}

function containersReady(pod: Pod, { init, regular }: ContainerStatuses, phase: Phase): Finding {
  const type = "ContainersReady";
  if (isFinal(phase)) return { type, status: "False", reason: phase === "Failed" ? "PodFailed" : "PodCompleted" };
  const sidecars = allContainers(pod)
    .filter(isSidecar)
    .map(({ spec }) => spec.name);
  const counted = [...init.filter(({ name }) => sidecars.includes(name)), ...regular];
  const unready = counted.filter(({ ready }) => !ready).map(({ name }) => name);
  if (unready.length === 0) return { type, status: "True" };
  const message = `containers with unready status: [${unready.join(" ")}]`;
  return { type, status: "False", reason: "ContainersNotReady", message };
}

/** Ready: its containers are, and so is all that its readiness gates name (KEP-580). */
function podReady({ spec, status }: Pod, containers: Finding): Finding {
  if (containers.status === "False") return { ...containers, type: "Ready" };
  const complaints = (spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = status?.conditions?.find(({ type }) => type === conditionType);
    if (!gate) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (gate.status === "True") return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`];
  });
  if (complaints.length === 0) return { type: "Ready", status: "True" };
  return { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: complaints.join(", ") };
}
