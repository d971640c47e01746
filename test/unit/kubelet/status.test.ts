/** A pod's status: phases, conditions and container statuses in upstream's words. */
import { describe, expect, it } from "vitest";
import { derivePodStatus } from "../../../src/kubelet/pods/status/derive.ts";
import { strategicMergePatch } from "../../../src/controlplane/apiserver/patch/strategic/strategic.ts";
import type { PodStatus, StatusInput } from "../../../src/kubelet/pods/status/input.ts";
import { statusPatch } from "../../../src/kubelet/pods/status/patch.ts";
import { containerOf, observedOf, podOf, sandboxOf } from "../../fixtures/kubelet_objects.ts";

const now = "2026-01-01T12:00:00Z";
const nothing = { sandboxes: [], containers: [] };

function statusOf(input: Partial<StatusInput> = {}) {
  return derivePodStatus({
    pod: podOf(),
    observed: observedOf([containerOf("main")]),
    now,
    runtimeName: "containerd",
    nodeIps: ["192.0.2.1"],
    waits: new Map(),
    isTerminating: false,
    hasEnded: false,
    isRejected: false,
    isStarted: () => true,
    isReady: () => true,
    ...input,
  });
}

const ended = (exitCode: number, shape = {}) =>
  containerOf("main", { state: "exited", exitCode, reason: exitCode === 0 ? "Completed" : "Error", ...shape });
const conditionOf = (status: ReturnType<typeof statusOf>, type: string) =>
  status.conditions?.find((condition) => condition.type === type);

describe("a phase", () => {
  const never = podOf({ spec: { restartPolicy: "Never" } });
  const onFailure = podOf({ spec: { restartPolicy: "OnFailure" } });
  const withInit = podOf({ init: [{ name: "i" }], spec: { restartPolicy: "Never" } });
  const init = (exitCode: number) => containerOf("i", { state: "exited", exitCode });
  const wait = new Map([["main", { reason: "CrashLoopBackOff", message: "" }]]);
  it.each<[string, Partial<StatusInput>, string]>([
    ["nothing is there", { observed: nothing }, "Pending"],
    [
      "a container is there, not yet started",
      { observed: observedOf([containerOf("main", { state: "created" })]) },
      "Pending",
    ],
    ["it runs", {}, "Running"],
    ["it crashed and waits", { observed: observedOf([ended(1)]), waits: wait }, "Running"],
    ["it ended well for good", { pod: never, observed: observedOf([ended(0)]) }, "Succeeded"],
    ["it failed for good", { pod: never, observed: observedOf([ended(1)]) }, "Failed"],
    ["it failed, and will be started again", { pod: onFailure, observed: observedOf([ended(1)]) }, "Running"],
    ["an init container failed for good", { pod: withInit, observed: observedOf([init(1)]) }, "Failed"],
    ["an init container is done, the rest to come", { pod: withInit, observed: observedOf([init(0)]) }, "Pending"],
    ["what is final stays", { pod: podOf({ status: { phase: "Succeeded" } }), observed: nothing }, "Succeeded"],
    [
      "it was deleted and ended badly",
      { observed: observedOf([ended(137)]), isTerminating: true, hasEnded: true },
      "Failed",
    ],
    [
      "it was deleted and ended well",
      { observed: observedOf([ended(0)]), isTerminating: true, hasEnded: true },
      "Succeeded",
    ],
    ["it is being deleted", { isTerminating: true }, "Running"],
  ])("%s", (_, input, phase) => {
    expect(statusOf(input).phase).toBe(phase);
  });
});

describe("conditions", () => {
  it("of a pod that runs are all true, since when they became so", () => {
    const before = { type: "Ready", status: "True", lastTransitionTime: "2025-01-01T00:00:00Z" };
    const gate = { type: "example.com/gate", status: "False" };
    const status = statusOf({ pod: podOf({ status: { conditions: [before, gate] } }) });
    const shown = status.conditions?.map(({ type, status: value }) => `${type}=${value}`);
    expect(shown).toEqual([
      "PodReadyToStartContainers=True",
      "Initialized=True",
      "Ready=True",
      "ContainersReady=True",
      "PodScheduled=True",
      "example.com/gate=False",
    ]);
    expect(conditionOf(status, "Ready")?.lastTransitionTime).toBe("2025-01-01T00:00:00Z");
    expect(conditionOf(status, "ContainersReady")?.lastTransitionTime).toBe(now);
  });

  it("name what is not ready", () => {
    const pod = podOf({ init: [{ name: "i" }], containers: [{ name: "a" }, { name: "b" }] });
    const status = statusOf({ pod, observed: nothing });
    expect(conditionOf(status, "Ready")).toMatchObject({
      status: "False",
      reason: "ContainersNotReady",
      message: "containers with unready status: [a b]",
    });
    expect(conditionOf(status, "Initialized")).toMatchObject({
      reason: "ContainersNotInitialized",
      message: "containers with incomplete status: [i]",
    });
    expect(conditionOf(status, "PodReadyToStartContainers")?.status).toBe("False");
  });

  it("wait for readiness gates", () => {
    const spec = { readinessGates: [{ conditionType: "example.com/a" }, { conditionType: "example.com/b" }] };
    const status = { conditions: [{ type: "example.com/b", status: "False" }] };
    expect(conditionOf(statusOf({ pod: podOf({ spec, status }) }), "Ready")).toMatchObject({
      status: "False",
      reason: "ReadinessGatesNotReady",
      message:
        'corresponding condition of pod readiness gate "example.com/a" does not exist., the status of pod readiness gate "example.com/b" is not "True", but False',
    });
  });
});

describe("a container's status", () => {
  const first = (input: Partial<StatusInput>) => statusOf(input).containerStatuses?.[0];
  it("says that it is on its way", () => {
    expect(first({ observed: nothing })?.state).toEqual({ waiting: { reason: "ContainerCreating" } });
    const withInit = podOf({ init: [{ name: "i" }] });
    expect(first({ pod: withInit, observed: nothing })?.state).toEqual({ waiting: { reason: "PodInitializing" } });
  });

  it("says that it runs, and how its last run ended", () => {
    const before = ended(3, { message: "oops", restartCount: 0 });
    const status = first({ observed: observedOf([containerOf("main", { restartCount: 1 }), before]) });
    expect(status).toMatchObject({
      name: "main",
      ready: true,
      started: true,
      restartCount: 1,
      image: "web:1",
      imageID: "sha256:1",
      containerID: "containerd://main-1",
      state: { running: { startedAt: "2026-01-01T11:59:55Z" } },
      lastState: { terminated: { exitCode: 3, reason: "Error", message: "oops", containerID: "containerd://main-0" } },
    });
  });

  it("says why it waits, and keeps how it ended", () => {
    const wait = { reason: "CrashLoopBackOff", message: "back-off 10s" };
    const status = first({ observed: observedOf([ended(1)]), waits: new Map([["main", wait]]) });
    expect(status?.state).toEqual({ waiting: wait });
    expect(status?.lastState?.terminated?.exitCode).toBe(1);
    expect(status).toMatchObject({ ready: false, started: false });
  });

  it("is not ready before it has started, nor where its probe says so", () => {
    expect(first({ isStarted: () => false })).toMatchObject({ ready: false, started: false });
    expect(first({ isReady: () => false })).toMatchObject({ ready: false, started: true });
  });

  it("of a container that vanished says that nothing is known of it", () => {
    const known = { name: "main", restartCount: 2, containerID: "containerd://x", state: { running: {} } };
    const pod = podOf({ status: { containerStatuses: [known] } });
    expect(first({ pod, observed: observedOf([]) })).toMatchObject({
      restartCount: 3,
      lastState: { terminated: { exitCode: 137, reason: "ContainerStatusUnknown" } },
    });
  });
});

describe("addresses", () => {
  it("are the sandbox's, the node's for a pod in its network, and stay when the sandbox has gone", () => {
    expect(statusOf()).toMatchObject({ hostIP: "192.0.2.1", podIP: "10.1.0.5", podIPs: [{ ip: "10.1.0.5" }] });
    expect(statusOf({ pod: podOf({ spec: { hostNetwork: true } }) }).podIP).toBe("192.0.2.1");
    const pod = podOf({ status: { podIP: "10.1.0.9", podIPs: [{ ip: "10.1.0.9" }] } });
    const gone = observedOf([], sandboxOf({ isReady: false, ips: [] }));
    expect(statusOf({ pod, observed: gone }).podIP).toBe("10.1.0.9");
  });
});

describe("a patch", () => {
  const written = (before: PodStatus | undefined, status: PodStatus): PodStatus => {
    const patch = { status: statusPatch(status, before) };
    return (strategicMergePatch("V1Pod", { status: before }, patch) as { status: PodStatus }).status;
  };
  const ips = (...all: [string, ...string[]]) => ({ podIP: all[0], podIPs: all.map((ip) => ({ ip })) });

  it("puts the addresses of a sandbox that was made anew in the place of the old one's", () => {
    const was = { phase: "Running", ...ips("10.1.0.5", "fd00::5"), hostIPs: [{ ip: "192.0.2.9" }] };
    expect(written(was, ips("10.1.0.7", "fd00::7"))).toEqual({ ...was, ...ips("10.1.0.7", "fd00::7") });
    expect(written(undefined, ips("10.1.0.7"))).toEqual(ips("10.1.0.7"));
    expect(written({ podIPs: [] }, ips("10.1.0.7"))).toEqual(ips("10.1.0.7"));
    expect(written(was, { phase: "Failed" })).toEqual({ ...was, phase: "Failed" });
  });

  it("leaves no reason where there is none any more, and others' conditions as they are", () => {
    const theirs = { type: "Theirs", status: "True", reason: "Theirs", message: "theirs" };
    const unready = { type: "Ready", status: "False", reason: "ContainersNotReady", message: "[main]" };
    const was = { phase: "Failed", reason: "Evicted", message: "too much", conditions: [unready, theirs] };
    const now = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
    expect(written(was, now)).toEqual({ ...now, conditions: [...now.conditions, theirs] });
    expect(written(undefined, now)).toEqual(now);
  });
});
