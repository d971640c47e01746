/** A node's object: as it is registered, put right, and patched. */
import { describe, expect, it } from "vitest";
import type { NodeFacts } from "../../../src/kubelet/node/facts.ts";
import { NodeEvents } from "../../../src/kubelet/node/node_events.ts";
import { newNode, registrationPatch } from "../../../src/kubelet/node/registration.ts";
import { nodeStatus, type NodeSettings, type NodeStatus, type NodeView } from "../../../src/kubelet/node/render.ts";
import { statusPatch } from "../../../src/kubelet/node/status_patch.ts";
import type { Node } from "../../../src/model/kubernetes.ts";

const settings: NodeSettings = {
  name: "n1",
  hostname: "n1",
  addresses: [],
  labels: { disk: "fast" },
  taints: [{ key: "a", effect: "NoSchedule" }],
  providerId: "",
  maxPods: 110,
  podsPerCore: 0,
  port: 10250,
  maxImages: 2,
  kubeReserved: {},
  systemReserved: {},
  evictionHard: {},
  kubeletVersion: "v1",
  isSchedulable: true,
  controllerAttaches: true,
};
const facts: NodeFacts = {
  cpus: 2,
  memoryBytes: 2 ** 30,
  swapBytes: 4096,
  diskBytes: 2 ** 30,
  hugepages: new Map(),
  machineId: "m",
  systemUuid: "u",
  bootId: "b",
  kernelVersion: "6",
  osImage: "os",
  architecture: "amd64",
};
const view: NodeView = {
  facts,
  addresses: ["192.0.2.1", "2001:db8::1"],
  problems: [],
  pressures: [],
  runtimeVersion: "containerd://1.6",
  runtime: { conditions: [], handlers: [], features: { supplementalGroupsPolicy: true } },
  runtimeError: "",
  images: [1, 3, 2].map((size) => ({ id: `${size}`, repoTags: [`i${size}`], repoDigests: [], size }) as never),
  now: "2026-01-01T00:00:00Z",
};

describe("registration", () => {
  it("says what the node is, and who may come", () => {
    const { metadata, spec } = newNode({ ...settings, isSchedulable: false, providerId: "p://1" }, facts);
    expect(metadata.labels).toEqual({
      "beta.kubernetes.io/arch": "amd64",
      "beta.kubernetes.io/os": "linux",
      "kubernetes.io/arch": "amd64",
      "kubernetes.io/hostname": "n1",
      "kubernetes.io/os": "linux",
      disk: "fast",
    });
    expect(spec).toEqual({
      providerID: "p://1",
      unschedulable: true,
      taints: [
        { key: "a", effect: "NoSchedule" },
        { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" },
      ],
    });
  });

  it("puts the kubelet's own labels right, and leaves what an administrator changed", () => {
    const wanted = newNode(settings, facts);
    const node = (labels: object, annotations = wanted.metadata.annotations): Node =>
      ({ metadata: { ...wanted.metadata, labels: { ...wanted.metadata.labels, ...labels }, annotations } }) as Node;
    expect(registrationPatch(wanted, node({}))).toBeUndefined();
    expect(registrationPatch(wanted, node({ disk: "slow", other: "1" }))).toBeUndefined();
    expect(registrationPatch(wanted, node({ "kubernetes.io/os": "bsd" }))).toEqual({
      metadata: { labels: { "kubernetes.io/os": "linux" } },
    });
    const unattached = newNode({ ...settings, controllerAttaches: false }, facts);
    expect(registrationPatch(unattached, node({}))).toEqual({
      metadata: { annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": null } },
    });
  });
});

describe("a status", () => {
  it("has what the runtime and the node say", () => {
    const status = nodeStatus(settings, view, undefined);
    expect(status.addresses).toEqual([
      { type: "InternalIP", address: "192.0.2.1" },
      { type: "InternalIP", address: "2001:db8::1" },
      { type: "Hostname", address: "n1" },
    ]);
    expect(status.images).toEqual([
      { names: ["i3"], sizeBytes: 3 },
      { names: ["i2"], sizeBytes: 2 },
    ]);
    expect(status.nodeInfo?.swap).toEqual({ capacity: 4096 });
    expect(status.features).toEqual({ supplementalGroupsPolicy: true });
  });

  it("is not ready for each reason at once", () => {
    const conditions = [{ type: "NetworkReady", status: false, reason: "NetworkPluginNotReady", message: "no CNI" }];
    const runtime = { conditions, handlers: [] };
    const ready = (of: Partial<NodeView>) =>
      nodeStatus(settings, { ...view, ...of }, undefined).conditions!.find(({ type }) => type === "Ready");
    const network =
      "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:no CNI";
    expect(ready({ runtime })).toMatchObject({ status: "False", reason: "KubeletNotReady", message: network });
    expect(ready({ runtime, problems: ["node is shutting down"] })?.message).toBe(
      `[${network}, node is shutting down]`,
    );
    expect(ready({ problems: ["node is shutting down"] })?.message).toBe("node is shutting down");
  });

  it("is patched so that two addresses of one type stay two, and what is gone goes", () => {
    const before: NodeStatus = { capacity: { "hugepages-2Mi": "0", cpu: "1", "example.com/gpu": "1" } };
    const status: NodeStatus = { addresses: [{ type: "InternalIP", address: "a" }], capacity: { cpu: "2" } };
    expect(statusPatch(status, before, false)).toMatchObject({ status: { addresses: status.addresses } });
    expect(statusPatch(status, before, true)).toEqual({
      status: {
        addresses: [{ type: "InternalIP", address: "a" }, { $patch: "replace" }],
        capacity: { cpu: "2", "hugepages-2Mi": null },
        allocatable: {},
      },
    });
  });
});

it("Events tell of each change, once", () => {
  const told: string[] = [];
  const events = new NodeEvents(
    { event: (about, type, reason, message) => void told.push([type, reason, message, about.metadata.uid].join("|")) },
    "n1",
  );
  const of = (status: string): NodeStatus => ({
    conditions: [
      { type: "Ready", status },
      { type: "MemoryPressure", status: "False" },
    ],
  });
  events.changed(undefined, of("False"));
  events.changed(of("False"), of("False"));
  events.changed(of("False"), of("True"));
  const node = (unschedulable: boolean): Node => ({ spec: { unschedulable } }) as unknown as Node;
  for (const is of [false, true, true, false]) events.scheduling(node(is));
  const bootOf = (bootID: string): Node => ({ status: { nodeInfo: { bootID } } }) as unknown as Node;
  for (const id of ["", "b", "a"]) events.booted(bootOf(id), "b");
  const now = (reason: string): string => `Normal|${reason}|Node n1 status is now: ${reason}|n1`;
  expect(told).toEqual([
    now("NodeNotReady"),
    now("NodeHasSufficientMemory"),
    now("NodeReady"),
    now("NodeNotSchedulable"),
    now("NodeSchedulable"),
    "Warning|Rebooted|Node n1 has been rebooted, boot id: b|n1",
  ]);
});
