/** On which nodes a daemon belongs (the cases of upstream's TestNodeShouldRunDaemonPod). */
import { describe, expect, it } from "vitest";
import {
  isOtherPlace,
  nodeRule,
  pinnedAffinity,
  targetNode,
} from "../../../../../src/controlplane/controllers/daemon_set/nodes.ts";
import { daemonPod, isUpdated } from "../../../../../src/controlplane/controllers/daemon_set/pods.ts";
import type { Node, Pod } from "../../../../../src/model/kubernetes.ts";
import { podOf } from "../../../../fixtures/workloads.ts";
import { nodeOf, onNode, setOf } from "./shapes.ts";

const [no, stays, yes] = [
  { shouldRun: false, mayStay: false },
  { shouldRun: false, mayStay: true },
  { shouldRun: true, mayStay: true },
];
const taint = (effect: string, key = "dedicated", value = "db") => ({ taints: [{ key, value, effect }] });
const requires = (expression: object, field = "matchExpressions") => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ [field]: [expression] }] },
    },
  },
});

const cases: readonly (readonly [
  string,
  Partial<Pod["spec"]>,
  Partial<Node["spec"]>,
  Record<string, string>,
  object,
])[] = [
  ["any node", {}, {}, {}, yes],
  ["the named node", { nodeName: "n1" }, {}, {}, yes],
  ["another than the named node", { nodeName: "n2" }, {}, {}, no],
  ["one with the labels", { nodeSelector: { disk: "ssd" } }, {}, { disk: "ssd" }, yes],
  ["one without the labels", { nodeSelector: { disk: "ssd" } }, {}, { disk: "hdd" }, no],
  ["one that affinity wants", requires({ key: "zone", operator: "In", values: ["a"] }), {}, { zone: "a" }, yes],
  ["one that affinity does not want", requires({ key: "zone", operator: "In", values: ["a"] }), {}, { zone: "b" }, no],
  [
    "one that affinity names",
    requires({ key: "metadata.name", operator: "In", values: ["n1"] }, "matchFields"),
    {},
    {},
    yes,
  ],
  [
    "one that affinity does not name",
    requires({ key: "metadata.name", operator: "In", values: ["n2"] }, "matchFields"),
    {},
    {},
    no,
  ],
  ["one with a taint", {}, taint("NoSchedule"), {}, stays],
  ["one with a taint that evicts", {}, taint("NoExecute"), {}, no],
  ["one with a taint that only discourages", {}, taint("PreferNoSchedule"), {}, yes],
  [
    "one with a taint that is tolerated",
    { tolerations: [{ key: "dedicated", operator: "Exists" }] },
    taint("NoExecute"),
    {},
    yes,
  ],
  ["one that is not ready", {}, taint("NoExecute", "node.kubernetes.io/not-ready", ""), {}, yes],
  ["one that is unreachable", {}, taint("NoExecute", "node.kubernetes.io/unreachable", ""), {}, yes],
  [
    "one that is cordoned",
    {},
    { unschedulable: true, ...taint("NoSchedule", "node.kubernetes.io/unschedulable", "") },
    {},
    yes,
  ],
  ["one under memory pressure", {}, taint("NoSchedule", "node.kubernetes.io/memory-pressure", ""), {}, yes],
  ["one without a network", {}, taint("NoSchedule", "node.kubernetes.io/network-unavailable", ""), {}, stays],
  [
    "one without a network, on the host's own",
    { hostNetwork: true },
    taint("NoSchedule", "node.kubernetes.io/network-unavailable", ""),
    {},
    yes,
  ],
];

describe("a daemon belongs on", () => {
  it.each(cases)("%s", (_, podSpec, nodeSpec, labels, expected) => {
    expect(nodeRule(setOf({ podSpec }))(nodeOf("n1", nodeSpec, labels))).toEqual(expected);
  });

  it("a node whose labels or taints changed: another place than it was", () => {
    const node = nodeOf("n1");
    expect(isOtherPlace(node, { ...node, status: { phase: "Running" } })).toBe(false);
    expect(isOtherPlace(node, nodeOf("n1", taint("NoSchedule")))).toBe(true);
    expect(isOtherPlace(node, nodeOf("n1", {}, { zone: "a" }))).toBe(true);
  });
});

describe("a daemon's pod", () => {
  it("is for its node by affinity, whatever the template's affinity is", () => {
    const preferred = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }] };
    const podAffinity = {};
    const { nodeAffinity, ...others } = pinnedAffinity(
      { ...requires({ key: "zone", operator: "Exists" }).affinity, podAffinity },
      "n1",
    );
    expect(nodeAffinity).toEqual({
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] }],
      },
    });
    expect(others).toEqual({ podAffinity });
    expect(pinnedAffinity({ nodeAffinity: preferred }, "n1").nodeAffinity).toMatchObject(preferred);
  });

  it("is counted for the node that it is on, or for", () => {
    expect(targetNode(onNode("n1", "x"))).toBe("n1");
    expect(targetNode({ ...podOf(), spec: daemonPod(setOf(), "n2", "x").spec })).toBe("n2");
    expect(targetNode(podOf())).toBeUndefined();
  });

  it("tolerates what daemons do, and what the template does, once", () => {
    const own = { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" };
    const mine = { key: "dedicated", operator: "Exists" };
    const { tolerations = [] } = daemonPod(setOf({ podSpec: { tolerations: [mine, own] } }), "n1", "x").spec;
    expect(tolerations.slice(0, 2)).toEqual([mine, own]);
    expect(tolerations).toHaveLength(7);
    expect(daemonPod(setOf({ podSpec: { hostNetwork: true } }), "n1", "x").spec.tolerations).toHaveLength(7);
  });

  it("carries the hash, and the generation that the server counts", () => {
    const set = setOf({ annotations: { "deprecated.daemonset.template.generation": "4" } });
    const { metadata } = daemonPod(set, "n1", "hash");
    expect(metadata).toMatchObject({
      generateName: "web-",
      labels: { app: "web", "controller-revision-hash": "hash", "pod-template-generation": "4" },
      ownerReferences: [{ kind: "DaemonSet", name: "web", controller: true }],
    });
    const pod = podOf({ labels: metadata.labels ?? {} });
    expect(isUpdated(pod, setOf(), "hash")).toBe(true);
    expect(isUpdated(pod, setOf(), "other")).toBe(false);
    expect(isUpdated(pod, set, "other")).toBe(true);
  });
});
