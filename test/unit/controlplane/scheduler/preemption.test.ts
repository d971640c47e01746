/** DefaultPreemption: who goes, where, and in which words nobody does (upstream: default_preemption_test.go). */
import { describe, expect, it } from "vitest";
import type { Cluster } from "../../../../src/controlplane/scheduler/cluster/cluster.ts";
import { feasibleNodes } from "../../../../src/controlplane/scheduler/framework/feasible.ts";
import { fitErrorMessage } from "../../../../src/controlplane/scheduler/framework/fit_error.ts";
import { defaultProfile } from "../../../../src/controlplane/scheduler/framework/profile.ts";
import type { PodInfo } from "../../../../src/controlplane/scheduler/model/pod_info.ts";
import { planPreemption } from "../../../../src/controlplane/scheduler/preemption/plan.ts";
import { clusterOf, info, node, type PodOptions } from "./objects.ts";

const cpu = (cores: number) => ({ requests: { cpu: String(cores) } });
const low = (name: string, cores: number, options: PodOptions = {}) =>
  info(name, { priority: 1, ...cpu(cores), ...options });
const started = (minute: number) => ({ startTime: `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z` });

function plan(pod: PodInfo, cluster: Cluster) {
  const { filters, nodes, diagnosis } = feasibleNodes(pod, cluster, defaultProfile, 0);
  expect(nodes).toEqual([]);
  const result = planPreemption(pod, { diagnosis, filters }, cluster, () => 0);
  if (result.type !== "Preempt") return fitErrorMessage(diagnosis, result.message);
  const { nodeName, victims } = result.candidate;
  return `${nodeName}: ${victims.map(({ name }) => name).join(", ")}`;
}

const high = (cores: number, options: PodOptions = {}) => info("high", { priority: 100, ...cpu(cores), ...options });
const twoNodes = () => [node("a"), node("b")];

describe("victims of a node", () => {
  it("are the fewest that make room, and the least important", () => {
    const cluster = clusterOf([node("a")], {
      a: [low("one", 1, { priority: 5 }), low("two", 1, { priority: 3 }), low("three", 2, { priority: 4 })],
    });
    expect(plan(high(1), cluster)).toBe("a: two");
    expect(plan(high(2), cluster)).toBe("a: three");
    expect(plan(high(3), cluster)).toBe("a: three, two");
  });

  it("of one priority are the youngest", () => {
    const cluster = clusterOf([node("a")], {
      a: [low("old", 2, { status: started(1) }), low("young", 2, { status: started(2) })],
    });
    expect(plan(high(2), cluster)).toBe("a: young");
  });

  it("are those that a budget allows, where there are", () => {
    const cluster = clusterOf([node("a")], {
      a: [low("guarded", 2, { labels: { app: "db" } }), low("free", 2, { priority: 50 })],
    });
    const metadata = { name: "b", namespace: "default", uid: "b", resourceVersion: "1", creationTimestamp: "" };
    const budget = (allowed: number) => ({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { selector: { matchLabels: { app: "db" } } },
      status: { disruptionsAllowed: allowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
    });
    cluster.objects.podDisruptionBudgets.set(budget(0));
    expect(plan(high(2), cluster)).toBe("a: free");
    // It is no shield where nothing else helps.
    expect(plan(high(4), cluster)).toBe("a: free, guarded");
    cluster.objects.podDisruptionBudgets.set(budget(1));
    expect(plan(high(2), cluster)).toBe("a: guarded");
  });

  it("are those whose anti-affinity, ports or spread are in the way", () => {
    const far = {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: { matchLabels: { app: "high" } }, topologyKey: "kubernetes.io/hostname" },
          ],
        },
      },
    };
    const port = { containers: [{ name: "c", ports: [{ containerPort: 1, hostPort: 80 }] }] };
    const cluster = clusterOf([node("a")], {
      a: [low("hermit", 1, { spec: far }), low("other", 1), info("porter", { priority: 2, spec: port })],
    });
    expect(plan(high(1, { labels: { app: "high" }, spec: port }), cluster)).toBe("a: porter, hermit");
  });
});

describe("the node is the one", () => {
  it("whose victims no budget guards", () => {
    const cluster = clusterOf(twoNodes(), {
      a: [low("x", 4, { labels: { app: "db" } })],
      b: [low("y", 4, { priority: 9 })],
    });
    const metadata = { name: "b", namespace: "default", uid: "b", resourceVersion: "1", creationTimestamp: "" };
    const spec = { selector: { matchLabels: { app: "db" } } };
    cluster.objects.podDisruptionBudgets.set({ apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata, spec });
    expect(plan(high(4), cluster)).toBe("b: y");
  });

  it.each<[string, PodInfo[], PodInfo[], string]>([
    ["whose most important victim is least", [low("x", 4, { priority: 9 })], [low("y", 4, { priority: 8 })], "b: y"],
    [
      "whose victims' priorities sum up to less",
      [low("x", 2, { priority: 9 }), low("x2", 2, { priority: 5 })],
      [low("y", 2, { priority: 9 }), low("y2", 2, { priority: 4 })],
      "b: y, y2",
    ],
    [
      "with fewer victims, whatever the sign of their priorities",
      [low("x", 2, { priority: -5 }), low("x2", 2, { priority: -5 })],
      [low("y", 4, { priority: -5 })],
      "b: y",
    ],
    ["whose victim started last", [low("x", 4, { status: started(1) })], [low("y", 4, { status: started(5) })], "b: y"],
    [
      "that comes first, where all are alike",
      [low("x", 4, { status: started(1) })],
      [low("y", 4, { status: started(1) })],
      "a: x",
    ],
  ])("%s", (_, a, b, expected) => {
    expect(plan(high(4), clusterOf(twoNodes(), { a, b }))).toBe(expected);
  });
});

describe("in which words nobody goes", () => {
  it("none is of lower priority, and none would help", () => {
    const cluster = clusterOf([...twoNodes(), node("c", { taints: [{ key: "t", effect: "NoSchedule" }] })], {
      a: [low("x", 4, { priority: 100 })],
      b: [low("y", 4, { priority: 100 })],
    });
    expect(plan(high(1), cluster)).toBe(
      "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. " +
        "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, " +
        "2 No preemption victims found for incoming pod.",
    );
    expect(plan(high(5), cluster)).toBe(
      "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. " +
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    );
  });

  it("pods of several nodes would have to go", () => {
    const zone = { labels: { zone: "1" } };
    const cluster = clusterOf([node("a", zone), node("b", zone)], {
      a: [low("x", 1, { labels: { app: "web" } })],
      b: [low("y", 1, { labels: { app: "web" } })],
    });
    const required = [{ labelSelector: { matchLabels: { app: "web" } }, topologyKey: "zone" }];
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
    expect(plan(high(1, { spec: { affinity } }), cluster)).toBe(
      "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. " +
        "preemption: 0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.",
    );
  });

  it("the pod may not", () => {
    const cluster = clusterOf([node("a")], { a: [low("x", 4)] });
    expect(plan(high(4, { spec: { preemptionPolicy: "Never" } }), cluster)).toBe(
      "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.",
    );
  });

  it("its victims are still going", () => {
    const conditions = [{ type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler" }];
    const going = low("x", 4, { deletionTimestamp: "2026-01-01T00:00:00Z", status: { conditions } });
    const cluster = clusterOf(twoNodes(), { a: [going], b: [low("y", 4)] });
    const pod = high(4, { status: { nominatedNodeName: "a" } });
    cluster.nominations.set(pod, "a");
    expect(plan(pod, cluster)).toContain("preemption: not eligible due to a terminating pod on the nominated node.");
  });
});

describe("room that is promised", () => {
  it("is not given to pods of lower priority, and is to those of higher", () => {
    const cluster = clusterOf([node("a")]);
    cluster.nominations.set(high(3), "a");
    const fits = (pod: PodInfo) => feasibleNodes(pod, cluster, defaultProfile, 0).nodes.length === 1;
    expect(fits(low("x", 2))).toBe(false);
    expect(fits(low("x", 1))).toBe(true);
    expect(fits(low("equal", 2, { priority: 100 }))).toBe(false);
    expect(fits(low("y", 2, { priority: 101 }))).toBe(true);
    expect(fits(high(3))).toBe(true);
  });
});
