/** The one word that says how a pod is. */
import { describe, expect, it } from "vitest";
import { podColumns, podRowConditions } from "../../../../src/controlplane/apiserver/printing/columns/pods.ts";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";

const nowMs = Date.parse("2026-01-01T12:00:00Z");

/** Ready, status and restarts. */
function cells(pod: object): unknown[] {
  return podColumns.slice(1, 4).map((column) => column.cell({ metadata: {}, ...pod } as ApiObject, nowMs));
}

const spec = { containers: [{ name: "a" }, { name: "b" }] };
const running = { ready: true, restartCount: 0, state: { running: {} } };
const waiting = (reason: string) => ({ ready: false, restartCount: 0, state: { waiting: { reason } } });
const ended = (terminated: object) => ({ ready: false, restartCount: 0, state: { terminated } });
const init = { ...spec, initContainers: [{ name: "i" }, { name: "j" }] };
const sidecar = { ...spec, initContainers: [{ name: "i", restartPolicy: "Always" }] };
const initStatuses = (...initContainerStatuses: object[]) => ({
  spec: init,
  status: { phase: "Pending", initContainerStatuses },
});

describe("a pod's status", () => {
  it.each<[string, object, unknown[]]>([
    ["its phase", { spec, status: { phase: "Pending" } }, ["0/2", "Pending", "0"]],
    ["its own reason", { spec, status: { phase: "Failed", reason: "Evicted" } }, ["0/2", "Evicted", "0"]],
    ["running", { spec, status: { phase: "Running", containerStatuses: [running, running] } }, ["2/2", "Running", "0"]],
    [
      "what a container waits for",
      { spec, status: { phase: "Running", containerStatuses: [waiting("CrashLoopBackOff"), running] } },
      ["1/2", "CrashLoopBackOff", "0"],
    ],
    [
      "an error",
      { spec, status: { phase: "Failed", containerStatuses: [ended({ reason: "Error", exitCode: 1 })] } },
      ["0/2", "Error", "0"],
    ],
    [
      "an exit code",
      { spec, status: { phase: "Failed", containerStatuses: [ended({ exitCode: 3 })] } },
      ["0/2", "ExitCode:3", "0"],
    ],
    [
      "a signal",
      { spec, status: { phase: "Failed", containerStatuses: [ended({ exitCode: 137, signal: 9 })] } },
      ["0/2", "Signal:9", "0"],
    ],
    [
      "completed, while another runs",
      { spec, status: { phase: "Running", containerStatuses: [ended({ reason: "Completed", exitCode: 0 }), running] } },
      ["1/2", "NotReady", "0"],
    ],
    [
      "completed, while another is ready",
      {
        spec,
        status: {
          phase: "Running",
          conditions: [{ type: "Ready", status: "True" }],
          containerStatuses: [ended({ reason: "Completed", exitCode: 0 }), running],
        },
      },
      ["1/2", "Running", "0"],
    ],
    [
      "gated",
      { spec, status: { phase: "Pending", conditions: [{ type: "PodScheduled", reason: "SchedulingGated" }] } },
      ["0/2", "SchedulingGated", "0"],
    ],
    [
      "how many have initialized",
      initStatuses(ended({ exitCode: 0 }), { name: "j", state: {} }),
      ["0/2", "Init:1/2", "0"],
    ],
    [
      "waiting to initialize",
      initStatuses({ state: { waiting: { reason: "PodInitializing" } } }),
      ["0/2", "Init:0/2", "0"],
    ],
    ["why it cannot initialize", initStatuses(waiting("ImagePullBackOff")), ["0/2", "Init:ImagePullBackOff", "0"]],
    ["how initialization failed", initStatuses(ended({ exitCode: 2 })), ["0/2", "Init:ExitCode:2", "0"]],
    [
      "a sidecar that has started counts",
      {
        spec: sidecar,
        status: {
          phase: "Running",
          initContainerStatuses: [{ name: "i", started: true, ready: true }],
          containerStatuses: [running, running],
        },
      },
      ["3/3", "Running", "0"],
    ],
    [
      "terminating",
      { metadata: { deletionTimestamp: "x" }, spec, status: { phase: "Running" } },
      ["0/2", "Terminating", "0"],
    ],
    [
      "ended, though it is deleted",
      { metadata: { deletionTimestamp: "x" }, spec, status: { phase: "Succeeded" } },
      ["0/2", "Succeeded", "0"],
    ],
    [
      "unknown on a lost node",
      { metadata: { deletionTimestamp: "x" }, spec, status: { phase: "Running", reason: "NodeLost" } },
      ["0/2", "Unknown", "0"],
    ],
    [
      "when it was restarted",
      {
        spec,
        status: {
          phase: "Running",
          containerStatuses: [
            { ...running, restartCount: 2, lastState: { terminated: { finishedAt: "2026-01-01T11:55:00Z" } } },
            { ...running, restartCount: 1, lastState: { terminated: { finishedAt: "2026-01-01T11:00:00Z" } } },
          ],
        },
      },
      ["2/2", "Running", "3 (5m ago)"],
    ],
  ])("%s", (_what, pod, expected) => {
    expect(cells(pod)).toEqual(expected);
  });

  it("tells of a pod that has ended in the row's conditions", () => {
    expect(podRowConditions({ status: { phase: "Failed" } } as unknown as ApiObject)).toEqual([
      { type: "Completed", status: "True", reason: "Failed", message: "The pod failed." },
    ]);
    expect(podRowConditions({ status: { phase: "Running" } } as unknown as ApiObject)).toBeUndefined();
  });
});
