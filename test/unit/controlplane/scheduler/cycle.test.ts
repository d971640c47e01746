/** The search for nodes: how many are enough, where it begins, which is taken, and what is said where there is none. */
import { describe, expect, it } from "vitest";
import { Cycles } from "../../../../src/controlplane/scheduler/framework/cycle.ts";
import { enoughNodes, feasibleNodes } from "../../../../src/controlplane/scheduler/framework/feasible.ts";
import { fitErrorMessage } from "../../../../src/controlplane/scheduler/framework/fit_error.ts";
import { defaultProfile } from "../../../../src/controlplane/scheduler/framework/profile.ts";
import { bestNode } from "../../../../src/controlplane/scheduler/framework/scores.ts";
import { clusterOf, info, node, type PodOptions } from "./objects.ts";

const many = (count: number) => Array.from({ length: count }, (_, i) => node(`n${i}`));
const search = (cluster: ReturnType<typeof clusterOf>, pod: PodOptions, startAt = 0) =>
  feasibleNodes(info("p", pod), cluster, defaultProfile, startAt);

describe("nodes", () => {
  it.each([
    [10, 10],
    [99, 99],
    [100, 100],
    [200, 100],
    [1000, 420],
    [5000, 500],
    [6000, 300],
  ])("of %d, %d are enough", (nodes, enough) => {
    expect(enoughNodes(nodes)).toBe(enough);
  });

  it("are looked at from where the last search ended, round and round", () => {
    const cluster = clusterOf(many(150));
    const first = search(cluster, {}, 120);
    expect(first.nodes).toHaveLength(100);
    expect([first.nodes[0]!.name, first.nodes[99]!.name, first.looked]).toEqual(["n120", "n69", 100]);
  });

  it("of zones take turns", () => {
    const zone = (name: string, value: string) => node(name, { labels: { "topology.kubernetes.io/zone": value } });
    const cluster = clusterOf([zone("a1", "a"), zone("a2", "a"), zone("a3", "a"), zone("b1", "b"), zone("c1", "c")]);
    expect(cluster.nodes.map(({ name }) => name)).toEqual(["a1", "b1", "c1", "a2", "a3"]);
  });

  it("that are best have the same chance each", () => {
    const { nodes } = clusterOf(many(3));
    const scores = Float64Array.from([5, 7, 7]);
    expect(bestNode(nodes, scores, () => 0.99).name).toBe("n1");
    expect(bestNode(nodes, scores, () => 0).name).toBe("n2");
  });

  it("are only those that affinity names, and the others are not looked at", () => {
    const matchFields = [{ key: "metadata.name", operator: "In", values: ["n7"] }];
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } };
    const cluster = clusterOf([...many(7), node("n7", { unschedulable: true })]);
    const { nodes, diagnosis } = search(cluster, { spec: { affinity: { nodeAffinity } } });
    expect(nodes).toEqual([]);
    expect(fitErrorMessage(diagnosis)).toBe(
      "0/8 nodes are available: 1 node(s) were unschedulable, 7 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    );
    cluster.setNode(node("n7"));
    expect(search(cluster, { spec: { affinity: { nodeAffinity } } }).nodes.map(({ name }) => name)).toEqual(["n7"]);
  });
});

describe("a cycle", () => {
  it("gives a pod the node with the most room", () => {
    const cluster = clusterOf([node("full"), node("empty")], { full: [info("x", { requests: { cpu: "3" } })] });
    const cycles = new Cycles(cluster, defaultProfile, () => 0);
    expect(cycles.decide(info("p", { requests: { cpu: "500m" } }))).toMatchObject({ type: "Bind", nodeName: "empty" });
    expect(cycles.decide(info("p", { requests: { cpu: "5" } })).type).toBe("Unschedulable");
    expect(new Cycles(clusterOf([]), defaultProfile, () => 0).decide(info("p")).type).toBe("NoNodes");
  });

  it("says why before any node was looked at", () => {
    const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "c" } }];
    const { diagnosis } = search(clusterOf(many(3)), { spec: { volumes } });
    expect(fitErrorMessage(diagnosis, "preemption: no.")).toBe(
      '0/3 nodes are available: persistentvolumeclaim "c" not found. preemption: no.',
    );
  });

  it("sorts reasons as text, with their numbers before them", () => {
    const rejections = new Map(
      Array.from({ length: 12 }, (_, i) => [
        `n${i}`,
        { code: "Unschedulable" as const, reasons: i < 2 ? ["b", "a"] : ["c"] },
      ]),
    );
    expect(fitErrorMessage({ nodeCount: 12, rejections, absent: undefined })).toBe(
      "0/12 nodes are available: 10 c, 2 a, 2 b.",
    );
  });
});
