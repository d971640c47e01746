/** Plugins that look at one node at a time: cases that upstream's own tests of them check. */
import { describe, expect, it } from "vitest";
import { nodeAffinity } from "../../../../../src/controlplane/scheduler/plugins/node_affinity.ts";
import { nodeName } from "../../../../../src/controlplane/scheduler/plugins/node_name.ts";
import { nodePorts } from "../../../../../src/controlplane/scheduler/plugins/node_ports.ts";
import { nodeUnschedulable } from "../../../../../src/controlplane/scheduler/plugins/node_unschedulable.ts";
import { taintToleration } from "../../../../../src/controlplane/scheduler/plugins/taint_toleration.ts";
import { clusterOf, info, node, type PodSpec } from "../objects.ts";
import { filtered, scored } from "./harness.ts";

const untolerated = "node(s) had untolerated taint(s)";
const unselected = "node(s) didn't match Pod's node affinity/selector";

describe("NodeName", () => {
  it("leaves the node that was asked for by name", () => {
    const cluster = clusterOf([node("a"), node("b")]);
    const other = "node(s) didn't match the requested node name";
    expect(filtered(nodeName, info("p", { spec: { nodeName: "b" } }), cluster)).toEqual({ a: other, b: "ok" });
    expect(filtered(nodeName, info("p"), cluster)).toEqual({ a: "ok", b: "ok" });
  });
});

describe("NodeUnschedulable", () => {
  const cluster = clusterOf([node("cordoned", { unschedulable: true }), node("open")]);
  it.each<[string, PodSpec, string]>([
    ["no toleration", {}, "node(s) were unschedulable"],
    [
      "the taint's toleration",
      { tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" }] },
      "ok",
    ],
    ["a toleration of everything", { tolerations: [{ operator: "Exists" }] }, "ok"],
    [
      "a toleration of another effect",
      { tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoExecute" }] },
      "node(s) were unschedulable",
    ],
  ])("%s", (_, spec, cordoned) => {
    expect(filtered(nodeUnschedulable, info("p", { spec }), cluster)).toEqual({ cordoned, open: "ok" });
  });
});

describe("TaintToleration", () => {
  const dedicated = { key: "dedicated", value: "user1", effect: "NoSchedule" };
  it.each<[string, object[], object[], string]>([
    ["no toleration", [dedicated], [], untolerated],
    ["an equal one", [dedicated], [{ key: "dedicated", value: "user1", effect: "NoSchedule" }], "ok"],
    ["the default operator is Equal", [dedicated], [{ key: "dedicated", value: "user1" }], "ok"],
    ["another value", [dedicated], [{ key: "dedicated", operator: "Equal", value: "user2" }], untolerated],
    ["it exists", [dedicated], [{ key: "dedicated", operator: "Exists" }], "ok"],
    ["another effect", [dedicated], [{ key: "dedicated", operator: "Exists", effect: "NoExecute" }], untolerated],
    [
      "one of two",
      [dedicated, { key: "b", effect: "NoExecute" }],
      [{ key: "dedicated", operator: "Exists" }],
      untolerated,
    ],
    ["only a preference", [{ key: "b", effect: "PreferNoSchedule" }], [], "ok"],
    ["everything", [dedicated, { key: "b", effect: "NoExecute" }], [{ operator: "Exists" }], "ok"],
  ])("filters: %s", (_, taints, tolerations, expected) => {
    const cluster = clusterOf([node("a", { taints: taints as [] })]);
    expect(filtered(taintToleration, info("p", { spec: { tolerations } }), cluster)).toEqual({ a: expected });
  });

  it("scores nodes with fewer taints that are not tolerated higher", () => {
    const taint = (key: string) => ({ key, value: "x", effect: "PreferNoSchedule" });
    const cluster = clusterOf([
      node("none"),
      node("one", { taints: [taint("a")] }),
      node("two", { taints: [taint("a"), taint("b")] }),
      node("hard", { taints: [{ key: "c", effect: "NoSchedule" }] }),
    ]);
    expect(scored(taintToleration, info("p"), cluster)).toEqual({ none: 100, one: 50, two: 0, hard: 100 });
    const tolerations = [{ key: "a", operator: "Exists", effect: "PreferNoSchedule" }];
    const tolerant = info("p", { spec: { tolerations } });
    expect(scored(taintToleration, tolerant, cluster)).toEqual({ none: 100, one: 100, two: 0, hard: 100 });
    // A toleration of NoSchedule says nothing about preferences.
    const other = info("p", { spec: { tolerations: [{ key: "a", operator: "Exists", effect: "NoSchedule" }] } });
    expect(scored(taintToleration, other, cluster)).toMatchObject({ one: 50, two: 0 });
  });
});

describe("NodeAffinity", () => {
  const cluster = clusterOf([node("a", { labels: { disk: "ssd", gen: "7" } }), node("b", { labels: { disk: "hdd" } })]);
  const required = (...terms: object[]): PodSpec => ({
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
    },
  });
  const label = (key: string, operator: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });
  const field = (operator: string, ...values: string[]) => ({
    matchFields: [{ key: "metadata.name", operator, values }],
  });
  it.each<[string, PodSpec, string, string]>([
    ["a selector", { nodeSelector: { disk: "ssd" } }, "ok", unselected],
    ["a selector of two labels", { nodeSelector: { disk: "ssd", gen: "8" } }, unselected, unselected],
    ["In", required(label("disk", "In", "ssd", "nvme")), "ok", unselected],
    ["NotIn is also where the label lacks", required(label("gen", "NotIn", "8")), "ok", "ok"],
    ["Exists", required(label("gen", "Exists")), "ok", unselected],
    ["DoesNotExist", required(label("gen", "DoesNotExist")), unselected, "ok"],
    ["Gt", required(label("gen", "Gt", "6")), "ok", unselected],
    ["Gt, not equal", required(label("gen", "Gt", "7")), unselected, unselected],
    ["Lt", required(label("gen", "Lt", "10")), "ok", unselected],
    ["any of the terms", required(label("disk", "In", "nvme"), label("disk", "In", "hdd")), unselected, "ok"],
    [
      "all of a term",
      required({
        matchExpressions: [...label("disk", "In", "ssd").matchExpressions, ...label("gen", "In", "8").matchExpressions],
      }),
      unselected,
      unselected,
    ],
    ["an empty term selects nothing", required({}), unselected, unselected],
    ["a field", required(field("In", "b")), unselected, "ok"],
    ["a field that is not", required(field("NotIn", "b")), "ok", unselected],
    [
      "a selector and affinity",
      { nodeSelector: { disk: "ssd" }, ...required(label("gen", "In", "8")) },
      unselected,
      unselected,
    ],
  ])("filters: %s", (_, spec, a, b) => {
    expect(filtered(nodeAffinity, info("p", { spec }), cluster)).toEqual({ a, b });
  });

  it("names the nodes where only these can fit, and says so where terms conflict", () => {
    const filterOf = (spec: PodSpec) => nodeAffinity.filter!(info("p", { spec }), cluster);
    expect(filterOf(required(field("In", "b"), field("In", "a")))).toMatchObject({ nodeNames: new Set(["b", "a"]) });
    expect(filterOf(required(field("In", "b"), label("disk", "Exists")))).not.toHaveProperty("nodeNames");
    const conflict = { matchFields: [...field("In", "a").matchFields, ...field("In", "b").matchFields] };
    expect(filterOf(required(conflict))).toEqual({
      code: "UnschedulableAndUnresolvable",
      reasons: ["pod affinity terms conflict"],
    });
  });

  it("scores by the weights of the preferences that hold", () => {
    const preferred = (weight: number, term: object) => ({ weight, preference: term });
    const spec: PodSpec = {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            preferred(2, label("disk", "Exists")),
            preferred(4, label("gen", "In", "7")),
            preferred(50, {}),
          ],
        },
      },
    };
    expect(scored(nodeAffinity, info("p", { spec }), cluster)).toEqual({ a: 100, b: 33 });
    expect(scored(nodeAffinity, info("p"), cluster)).toBe("skipped");
  });
});

describe("NodePorts", () => {
  const ports = (...texts: string[]): PodSpec => ({ containers: [{ name: "c", ports: texts.map(port) }] });
  const port = (text: string) => {
    const [protocol, hostIP, number] = text.split("/");
    return { containerPort: 80, protocol: protocol!, hostPort: Number(number), ...(hostIP ? { hostIP } : {}) };
  };
  const taken = "~node(s) didn't have free ports for the requested pod ports";
  it.each<[string, PodSpec, PodSpec, string]>([
    ["none wanted", { containers: [{ name: "c" }] }, ports("TCP//8080"), "ok"],
    ["another", ports("UDP/127.0.0.1/8080"), ports("UDP/127.0.0.1/9090"), "ok"],
    ["the same", ports("UDP/127.0.0.1/8080"), ports("UDP/127.0.0.1/8080"), taken],
    ["another address", ports("TCP/127.0.0.1/8080"), ports("TCP/127.0.0.2/8080"), "ok"],
    ["another protocol", ports("UDP/127.0.0.1/8080"), ports("TCP/127.0.0.1/8080"), "ok"],
    ["every address", ports("TCP//8001"), ports("TCP/127.0.0.1/8001"), taken],
    ["every address, the other way round", ports("TCP/127.0.0.1/8001"), ports("TCP/0.0.0.0/8001"), taken],
    ["one of two", ports("TCP//8000", "UDP//8080"), ports("TCP//8000"), taken],
    [
      "a sidecar's",
      {
        containers: [{ name: "c" }],
        initContainers: [{ name: "s", restartPolicy: "Always", ports: [port("TCP//8000")] }],
      },
      ports("TCP//8000"),
      taken,
    ],
  ])("%s", (_, wanted, used, expected) => {
    const cluster = clusterOf([node("a")], { a: [info("other", { spec: used })] });
    expect(filtered(nodePorts, info("p", { spec: wanted }), cluster)).toEqual({ a: expected });
  });
});
