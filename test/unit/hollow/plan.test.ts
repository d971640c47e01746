/** What a hollow node says of its pods. */
import { describe, expect, it } from "vitest";
import { nodeAddress, planPod, podAddress, runningStatus } from "../../../src/hollow/plan.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";

const start = Date.parse("2026-01-01T00:00:00Z");

function pod(status: object = {}, more: { spec?: object; metadata?: object } = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "d", uid: "u", resourceVersion: "1", creationTimestamp: "", ...more.metadata },
    spec: { containers: [{ name: "c", image: "i" }], restartPolicy: "Never", ...more.spec },
    status,
  };
}
const running = {
  phase: "Running",
  startTime: "2026-01-01T00:00:00Z",
  containerStatuses: [{ name: "c", state: { running: { startedAt: "2026-01-01T00:00:00Z" } }, restartCount: 2 }],
};
const exits = (after: string, code?: string) => ({
  annotations: {
    "fairlead.io/hollow-exit-after": after,
    ...(code === undefined ? {} : { "fairlead.io/hollow-exit-code": code }),
  },
});

describe("a pod on a hollow node", () => {
  it.each([
    ["new", pod({ phase: "Pending" }), { step: { do: "report", phase: "Running" } }],
    ["running", pod(running), {}],
    ["ended", pod({ phase: "Failed" }), {}],
    ["leaving", pod(running, { metadata: { deletionTimestamp: "2026-01-01T00:00:30Z" } }), { step: { do: "remove" } }],
    ["with time left", pod(running, { metadata: exits("1m30s") }), { againAfterMs: 85_000 }],
    ["at its end", pod(running, { metadata: exits("5s") }), { step: { do: "end", phase: "Succeeded", exitCode: 0 } }],
    [
      "at its bad end",
      pod(running, { metadata: exits("5s", "3") }),
      { step: { do: "end", phase: "Failed", exitCode: 3 } },
    ],
    [
      "at an end that is begun anew",
      pod(running, { metadata: exits("5s", "3"), spec: { restartPolicy: "OnFailure" } }),
      { step: { do: "restart" } },
    ],
    [
      "at a good end under OnFailure",
      pod(running, { metadata: exits("5s"), spec: { restartPolicy: "OnFailure" } }),
      { step: { do: "end", phase: "Succeeded", exitCode: 0 } },
    ],
  ])("that is %s", (_, observed, expected) => {
    expect(planPod(observed, start + 5000)).toEqual(expected);
  });

  it("runs with an address, its init containers done and its sidecars up", () => {
    const observed = pod({}, { spec: { initContainers: [{ name: "i" }, { name: "s", restartPolicy: "Always" }] } });
    const status = runningStatus(observed, { pod: "10.128.0.1", node: "172.16.0.0" }, start);
    expect(status).toMatchObject({
      phase: "Running",
      podIP: "10.128.0.1",
      hostIP: "172.16.0.0",
      startTime: "2026-01-01T00:00:00Z",
      containerStatuses: [{ name: "c", ready: true, started: true, state: { running: {} } }],
      initContainerStatuses: [
        { name: "i", ready: true, state: { terminated: { exitCode: 0, reason: "Completed" } } },
        { name: "s", ready: true, state: { running: {} } },
      ],
    });
    expect(status.conditions.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
      "PodReadyToStartContainers=True",
      "Initialized=True",
      "Ready=True",
      "ContainersReady=True",
    ]);
    const onHost = pod({}, { spec: { hostNetwork: true } });
    expect(runningStatus(onHost, { pod: "10.128.0.1", node: "172.16.0.0" }, start).podIP).toBe("172.16.0.0");
  });

  it("has an address that no other pod has", () => {
    const all = new Set<string>();
    for (const index of [0, 1, 255, 256, 999, 15_999]) {
      all.add(nodeAddress(index));
      for (const slot of [1, 2, 254]) all.add(podAddress(index, slot));
    }
    expect(all.size).toBe(24);
  });
});
