/** What is done for a pod, by what is wanted and what is there: a table. */
import { describe, expect, it } from "vitest";
import { planPod } from "../../../src/kubelet/pods/plan.ts";
import type { PlanInput } from "../../../src/kubelet/pods/plan_input.ts";
import { keyOfStep } from "../../../src/kubelet/pods/steps.ts";
import { containerOf, nowMs, observedOf, planInput, podOf, sandboxOf } from "../../fixtures/kubelet_objects.ts";

const ended = (name: string, exitCode: number, shape = {}) =>
  containerOf(name, { state: "exited", exitCode, reason: exitCode === 0 ? "Completed" : "Error", ...shape });
const never = { spec: { restartPolicy: "Never" } };
const onFailure = { spec: { restartPolicy: "OnFailure" } };
const sidecar = { name: "side", restartPolicy: "Always" };
const ending = { termination: { graceSeconds: 30, releases: true } };
const nothing = { sandboxes: [], containers: [] };
const two = { containers: [{ name: "a" }, { name: "b" }] };

const cases: readonly [string, Partial<PlanInput>, readonly string[]][] = [
  [
    "a new pod: volumes, image and sandbox beside one another",
    { observed: nothing, areVolumesReady: false, hasImage: () => false },
    ["createSandbox", "prepareVolumes", "ensureImage main"],
  ],
  ["its image first", { hasImage: () => false }, ["ensureImage main"]],
  ["its volumes first", { areVolumesReady: false }, ["prepareVolumes"]],
  ["its start", {}, ["startContainer main"]],
  ["one start at a time", { pod: podOf(two), isBusy: (key) => key === "startContainer " }, []],
  ["the first of two", { pod: podOf(two) }, ["startContainer a"]],
  [
    "the second once the first runs",
    { pod: podOf(two), observed: observedOf([containerOf("a")]) },
    ["startContainer b"],
  ],
  ["nothing where all runs", { observed: observedOf([containerOf("main")]) }, []],
  ["again what ended", { observed: observedOf([ended("main", 0)]) }, ["startContainer main"]],
  [
    "again what failed, on failure",
    { pod: podOf(onFailure), observed: observedOf([ended("main", 1)]) },
    ["startContainer main"],
  ],
  [
    "an end for good: the sandbox goes",
    { pod: podOf(never), observed: observedOf([ended("main", 1)]) },
    ["stopSandbox s0"],
  ],
  [
    "and then what it had",
    { pod: podOf(never), observed: observedOf([ended("main", 0)], sandboxOf({ isReady: false })) },
    ["cleanUp"],
  ],
  [
    "and then nothing",
    { pod: podOf(never), observed: observedOf([ended("main", 0)], sandboxOf({ isReady: false })), isCleanedUp: true },
    [],
  ],
  ["an init container before all", { pod: podOf({ init: [{ name: "i" }] }) }, ["startContainer i"]],
  [
    "the next once it has ended well",
    { pod: podOf({ init: [{ name: "i" }, { name: "j" }] }), observed: observedOf([ended("i", 0)]) },
    ["startContainer j"],
  ],
  [
    "the others behind the last",
    { pod: podOf({ init: [{ name: "i" }] }), observed: observedOf([ended("i", 0)]) },
    ["startContainer main"],
  ],
  [
    "an init container that failed, again",
    { pod: podOf({ init: [{ name: "i" }] }), observed: observedOf([ended("i", 2)]) },
    ["startContainer i"],
  ],
  [
    "an init container that failed for good ends the pod",
    { pod: podOf({ ...never, init: [{ name: "i" }] }), observed: observedOf([ended("i", 2)]) },
    ["stopSandbox s0"],
  ],
  [
    "nobody before a sidecar has started",
    { pod: podOf({ init: [sidecar] }), observed: observedOf([containerOf("side")]), isStarted: () => false },
    [],
  ],
  [
    "the others beside a sidecar",
    { pod: podOf({ init: [sidecar] }), observed: observedOf([containerOf("side")]) },
    ["startContainer main"],
  ],
  [
    "a sidecar again, beside the others",
    { pod: podOf({ init: [sidecar] }), observed: observedOf([ended("side", 0), containerOf("main")]) },
    ["startContainer side"],
  ],
  [
    "a sidecar ends with the others",
    { pod: podOf({ ...never, init: [sidecar] }), observed: observedOf([containerOf("side"), ended("main", 0)]) },
    ["stopContainer side-0"],
  ],
  [
    "a sandbox that is gone: first its containers, then another",
    { observed: observedOf([containerOf("main")], sandboxOf({ isReady: false })) },
    ["stopContainer main-0"],
  ],
  ["then another", { observed: observedOf([ended("main", 137)], sandboxOf({ isReady: false })) }, ["createSandbox"]],
  [
    "no start where another sandbox is being made",
    { observed: observedOf(), isBusy: (key) => key === "createSandbox" },
    [],
  ],
  [
    "an older sandbox beside the newest goes, and the pod starts in that",
    { observed: { ...observedOf(), sandboxes: [sandboxOf({ id: "s1", attempt: 1 }), sandboxOf()] } },
    ["stopSandbox s0", "startContainer main"],
  ],
  [
    "what runs in an older sandbox is stopped first",
    {
      observed: {
        ...observedOf([containerOf("main")]),
        sandboxes: [sandboxOf({ id: "s1", attempt: 1 }), sandboxOf()],
      },
    },
    ["stopContainer main-0"],
  ],
  [
    "another image",
    { pod: podOf({ containers: [{ name: "main", image: "web:2" }] }), observed: observedOf([containerOf("main")]) },
    ["stopContainer main-0"],
  ],
  [
    "a failed probe",
    { observed: observedOf([containerOf("main")]), failedProbe: () => ({ kind: "liveness" }) },
    ["stopContainer main-0"],
  ],
  [
    "of a container the last that ended is kept",
    {
      observed: observedOf([
        containerOf("main", { restartCount: 3 }),
        ended("main", 1, { restartCount: 2 }),
        ended("main", 1, { restartCount: 1 }),
        ended("main", 1),
      ]),
    },
    ["removeContainer main-1", "removeContainer main-0"],
  ],
  [
    "an end: its containers at once",
    { ...ending, pod: podOf(two), observed: observedOf([containerOf("a"), containerOf("b")]) },
    ["stopContainer a-0", "stopContainer b-0"],
  ],
  [
    "sidecars behind them",
    { ...ending, pod: podOf({ init: [sidecar] }), observed: observedOf([containerOf("side"), containerOf("main")]) },
    ["stopContainer main-0"],
  ],
  [
    "the last sidecar first",
    {
      ...ending,
      pod: podOf({ init: [sidecar, { ...sidecar, name: "late" }] }),
      observed: observedOf([containerOf("side"), containerOf("late")]),
    },
    ["stopContainer late-0"],
  ],
  ["then the sandbox", { ...ending, observed: observedOf([ended("main", 0)]) }, ["stopSandbox s0"]],
  [
    "which is removed",
    { ...ending, observed: observedOf([ended("main", 0)], sandboxOf({ isReady: false })) },
    ["removeSandbox s0"],
  ],
  ["then what it had", { ...ending, observed: nothing }, ["cleanUp"]],
  ["and last the object", { ...ending, observed: nothing, isCleanedUp: true }, ["release"]],
  [
    "but not while something is being made",
    { ...ending, observed: nothing, isCleanedUp: true, isBusy: (key) => key === "createSandbox" },
    [],
  ],
  [
    "a pod past its deadline keeps its object",
    { termination: { graceSeconds: 1, releases: false }, observed: nothing, isCleanedUp: true },
    [],
  ],
];

describe("the plan of a pod", () => {
  it.each(cases)("%s", (_, input, steps) => {
    expect(planPod(planInput(input)).steps.map(keyOfStep)).toEqual(steps);
  });

  it("says why a container waits, and when to look again", () => {
    const observed = observedOf([ended("main", 1)]);
    const plan = planPod(planInput({ observed, backoffUntilMs: () => nowMs + 9000, backoffDelayMs: () => 80_000 }));
    expect(plan.steps).toEqual([]);
    expect(plan.againAtMs).toBe(nowMs + 9000);
    expect(plan.waits.get("main")).toEqual({
      reason: "CrashLoopBackOff",
      message: "back-off 1m20s restarting failed container=main pod=web_default(uid-1)",
    });
  });

  it("does not let one container's image hold up another", () => {
    const hold = { wait: { reason: "ImagePullBackOff", message: "" }, untilMs: nowMs + 1000 };
    const holdOf = (name: string) => (name === "a" ? hold : undefined);
    const plan = planPod(planInput({ pod: podOf(two), holdOf, hasImage: (name) => name !== "a" }));
    expect(plan.steps.map(keyOfStep)).toEqual(["startContainer b"]);
    expect([...plan.waits.keys()]).toEqual(["a"]);
  });

  it("counts restarts, also those of a container that the runtime has forgotten", () => {
    const again = planPod(planInput({ observed: observedOf([ended("main", 1, { restartCount: 4 })]) })).steps[0];
    expect(again).toMatchObject({ restartCount: 5 });
    expect(planPod(planInput({ restartCountOf: () => 7 })).steps[0]).toMatchObject({ restartCount: 7 });
  });
});
