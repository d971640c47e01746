/** What fits, and what is left: NodeResourcesFit, NodeResourcesBalancedAllocation, ImageLocality. */
import { describe, expect, it } from "vitest";
import { balancedAllocation } from "../../../../../src/controlplane/scheduler/plugins/balanced_allocation.ts";
import { imageLocality } from "../../../../../src/controlplane/scheduler/plugins/image_locality.ts";
import { nodeResourcesFit } from "../../../../../src/controlplane/scheduler/plugins/node_resources_fit.ts";
import { clusterOf, info, node, type PodOptions, type PodSpec } from "../objects.ts";
import { filtered, scored } from "./harness.ts";

type Requests = Readonly<Record<string, string>>;
const container = (name: string, requests?: Requests) => ({ name, ...(requests ? { resources: { requests } } : {}) });

describe("what a pod asks for", () => {
  const sidecar = (name: string, requests: Requests) => ({ ...container(name, requests), restartPolicy: "Always" });
  it.each<[string, PodSpec, number, number]>([
    [
      "the sum of containers",
      { containers: [container("a", { cpu: "1" }), container("b", { cpu: "500m", memory: "1" })] },
      1500,
      1,
    ],
    [
      "the largest init container",
      {
        containers: [container("a", { cpu: "1" })],
        initContainers: [container("i", { cpu: "3" }), container("j", { cpu: "2" })],
      },
      3000,
      0,
    ],
    [
      "sidecars beside containers",
      { containers: [container("a", { cpu: "1" })], initContainers: [sidecar("s", { cpu: "2" })] },
      3000,
      0,
    ],
    [
      "an init container beside the sidecars that were started before it",
      {
        containers: [container("a", { cpu: "1" })],
        initContainers: [sidecar("s", { cpu: "1" }), container("i", { cpu: "4" }), sidecar("t", { cpu: "1" })],
      },
      5000,
      0,
    ],
    ["overhead", { containers: [container("a", { cpu: "1" })], overhead: { cpu: "250m", memory: "16" } }, 1250, 16],
    [
      "the pod's own in place of the sum",
      { containers: [container("a", { cpu: "1", memory: "5" })], resources: { requests: { cpu: "4" } } },
      4000,
      5,
    ],
    ["rounded up", { containers: [container("a", { cpu: "0.1m", memory: "1500m" })] }, 1, 2],
  ])("%s", (_, spec, milliCpu, memory) => {
    expect(info("p", { spec }).requests).toMatchObject({ milliCpu, memory });
  });

  it("takes containers that ask for nothing as small ones where nodes are scored", () => {
    const spec = { containers: [container("a"), container("b", { cpu: "1", memory: "5" })] };
    expect(info("p", { spec }).nonZeroRequests).toMatchObject({ milliCpu: 1100, memory: 200 * 1024 * 1024 + 5 });
  });

  it("takes the larger of what is wanted and what the container still has while it is resized", () => {
    const status = { containerStatuses: [{ name: "main", resources: { requests: { cpu: "3" } } }] } as never;
    expect(info("p", { requests: { cpu: "1" }, status }).requests.milliCpu).toBe(3000);
  });
});

describe("NodeResourcesFit filters", () => {
  const allocatable = { cpu: "10", memory: "20", pods: "32", "ephemeral-storage": "20", "example.com/gpu": "2" };
  it.each<[string, Requests | undefined, Requests | undefined, string]>([
    ["nothing", undefined, { cpu: "10", memory: "20" }, "ok"],
    [
      "too much of both",
      { cpu: "1", memory: "1" },
      { cpu: "10", memory: "20" },
      "~Insufficient cpu, Insufficient memory",
    ],
    ["too much memory", { cpu: "1", memory: "2" }, { cpu: "5", memory: "19" }, "~Insufficient memory"],
    ["exactly what is left", { cpu: "5", memory: "1" }, { cpu: "5", memory: "19" }, "ok"],
    ["more than the node has", { cpu: "11" }, undefined, "Insufficient cpu"],
    [
      "one that never fits beside one that could",
      { cpu: "11", memory: "2" },
      { memory: "19" },
      "Insufficient cpu, Insufficient memory",
    ],
    ["an extended resource", { "example.com/gpu": "1" }, { "example.com/gpu": "2" }, "~Insufficient example.com/gpu"],
    ["one that the node does not know", { "example.com/fpga": "1" }, undefined, "Insufficient example.com/fpga"],
    [
      "ephemeral storage",
      { "ephemeral-storage": "10" },
      { "ephemeral-storage": "15" },
      "~Insufficient ephemeral-storage",
    ],
    ["none of what is used up", { memory: "1", cpu: "0" }, { cpu: "12" }, "ok"],
  ])("%s", (_, requests, used, expected) => {
    const options = (of: Requests | undefined): PodOptions => (of ? { requests: of } : {});
    const cluster = clusterOf([node("a", { allocatable })], { a: [info("other", options(used))] });
    expect(filtered(nodeResourcesFit, info("p", options(requests)), cluster)).toEqual({ a: expected });
  });

  it("counts pods", () => {
    const cluster = clusterOf([node("a", { allocatable: { pods: "1" } })], { a: [info("other")] });
    expect(filtered(nodeResourcesFit, info("p"), cluster)).toEqual({ a: "~Too many pods" });
    cluster.removePod("uid-other");
    expect(filtered(nodeResourcesFit, info("p"), cluster)).toEqual({ a: "ok" });
  });
});

describe("scores of resources", () => {
  const size = (cpu: string, memory: string) => ({ allocatable: { cpu, memory } });
  const placed = (cpu: string, memory: string, name = "other") => info(name, { requests: { cpu, memory } });

  it("LeastAllocated: the mean of what is free", () => {
    const cluster = clusterOf([node("a", size("4000m", "10000")), node("b", size("6000m", "10000"))]);
    // ((4000-3000)*100/4000 + (10000-5000)*100/10000)/2 = (25+50)/2; ((6000-3000)*100/6000 + 50)/2
    const wanted = info("p", { requests: { cpu: "3000m", memory: "5000" } });
    expect(scored(nodeResourcesFit, wanted, cluster)).toEqual({ a: 37, b: 50 });
  });

  it("LeastAllocated: what is over the brim counts as nothing free", () => {
    const cluster = clusterOf([node("a", size("4000m", "10000"))], { a: [placed("3000m", "9000")] });
    expect(scored(nodeResourcesFit, info("p", { requests: { cpu: "2000m", memory: "500" } }), cluster)).toEqual({
      a: 2,
    });
  });

  it("BalancedAllocation: shares that are alike", () => {
    const cluster = clusterOf([node("a", size("4000m", "10000")), node("b", size("6000m", "10000"))]);
    // a: |0.75 - 0.5| / 2 = 0.125 → 87; b: |0.5 - 0.5| = 0 → 100
    const wanted = info("p", { requests: { cpu: "3000m", memory: "5000" } });
    expect(scored(balancedAllocation, wanted, cluster)).toEqual({ a: 87, b: 100 });
    expect(scored(balancedAllocation, info("p"), cluster)).toBe("skipped");
  });

  it("ImageLocality: by size, thresholds and how many nodes have the image", () => {
    const mb = 1024 * 1024;
    const images = (name: string, megabytes: number) => [{ names: [name], sizeBytes: megabytes * mb }];
    const cluster = clusterOf([
      node("a", { images: images("gcr.io/40:latest", 40) }),
      node("b", { images: images("gcr.io/250:latest", 250) }),
      node("c"),
    ]);
    const of = (...names: string[]) =>
      info("p", { spec: { containers: names.map((image, i) => ({ name: `c${i}`, image })) } });
    // b: 250/3 = 83 MB of at most 2000: 100 * (83.3-23)/(2000-23); a: 13 MB is below the least
    expect(scored(imageLocality, of("gcr.io/40", "gcr.io/250"), cluster)).toEqual({ a: 0, b: 3, c: 0 });
    expect(scored(imageLocality, of("gcr.io/300"), cluster)).toBe("skipped");
  });
});
