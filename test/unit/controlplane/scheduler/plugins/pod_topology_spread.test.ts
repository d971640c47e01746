/** PodTopologySpread: cases that upstream's filtering and scoring tests check. */
import { describe, expect, it } from "vitest";
import { podTopologySpread } from "../../../../../src/controlplane/scheduler/plugins/pod_topology_spread.ts";
import type { PodInfo } from "../../../../../src/controlplane/scheduler/model/pod_info.ts";
import { clusterOf, info, node, type PodOptions } from "../objects.ts";
import { filtered, scored } from "./harness.ts";

const foo = { labels: { foo: "" } };
const selector = { matchExpressions: [{ key: "foo", operator: "Exists" }] };
const skewed = "~node(s) didn't match pod topology spread constraints";
const missing = "node(s) didn't match pod topology spread constraints (missing required label)";

const zoned = (name: string, zone: string, more: object = {}) => node(name, { labels: { zone, node: name, ...more } });
const fourNodes = () => [zoned("a", "zone1"), zoned("b", "zone1"), zoned("x", "zone2"), zoned("y", "zone2")];
const constraint = (topologyKey: string, maxSkew: number, more: object = {}) => ({
  topologyKey,
  maxSkew,
  whenUnsatisfiable: "DoNotSchedule",
  labelSelector: selector,
  ...more,
});
const soft = { whenUnsatisfiable: "ScheduleAnyway" };
const spread = (constraints: object[], options: PodOptions = {}): PodInfo =>
  info("p", { ...foo, ...options, spec: { topologySpreadConstraints: constraints as [], ...options.spec } });
let made = 0;
const foos = (count: number, options: PodOptions = foo): PodInfo[] =>
  Array.from({ length: count }, () => info(`foo-${made++}`, options));

describe("filters", () => {
  it("lets the pod where the fewest are", () => {
    const cluster = clusterOf(fourNodes(), { a: foos(2), b: foos(1), x: foos(2) });
    expect(filtered(podTopologySpread, spread([constraint("zone", 1)]), cluster)).toEqual({
      a: skewed,
      b: skewed,
      x: "ok",
      y: "ok",
    });
    expect(filtered(podTopologySpread, spread([constraint("node", 1)]), cluster)).toEqual({
      a: skewed,
      b: skewed,
      x: skewed,
      y: "ok",
    });
    // Both must hold.
    expect(filtered(podTopologySpread, spread([constraint("zone", 1), constraint("node", 2)]), cluster)).toEqual({
      a: skewed,
      b: skewed,
      x: skewed,
      y: "ok",
    });
  });

  it("counts neither pods of other namespaces, nor others' labels, nor those that are being deleted", () => {
    const others = [
      ...foos(2, { ...foo, namespace: "other" }),
      ...foos(2, { labels: { bar: "" } }),
      ...foos(2, { ...foo, deletionTimestamp: "2026-01-01T00:00:00Z" }),
    ];
    const cluster = clusterOf(fourNodes(), { a: others, x: foos(1) });
    expect(filtered(podTopologySpread, spread([constraint("zone", 1)]), cluster)).toMatchObject({ a: "ok", x: skewed });
  });

  it("does not count a pod that its own selector leaves out", () => {
    const cluster = clusterOf(fourNodes(), { a: foos(1) });
    const bar = spread([constraint("zone", 1)], { labels: { bar: "" } });
    expect(filtered(podTopologySpread, bar, cluster)).toMatchObject({ a: "ok", x: "ok" });
  });

  it("refuses nodes without the label, which are no domains either", () => {
    const cluster = clusterOf([...fourNodes(), node("bare")], { a: foos(1), x: foos(1), bare: foos(5) });
    expect(filtered(podTopologySpread, spread([constraint("zone", 1)]), cluster)).toMatchObject({
      bare: missing,
      a: "ok",
    });
  });

  it("takes domains that lack as empty, by minDomains", () => {
    const cluster = clusterOf(fourNodes(), { a: foos(1), x: foos(1) });
    const of = (minDomains: number) =>
      filtered(podTopologySpread, spread([constraint("zone", 1, { minDomains })]), cluster);
    expect(of(2)).toMatchObject({ a: "ok", x: "ok" });
    expect(of(3)).toMatchObject({ a: skewed, x: skewed });
  });

  it("leaves out of the domains what node affinity leaves out, unless told otherwise", () => {
    const cluster = clusterOf(fourNodes(), { a: foos(1), b: foos(1) });
    const inZone1 = { spec: { nodeSelector: { zone: "zone1" } } };
    const of = (more: object) => filtered(podTopologySpread, spread([constraint("zone", 1, more)], inZone1), cluster);
    expect(of({})).toMatchObject({ a: "ok", b: "ok" });
    expect(of({ nodeAffinityPolicy: "Ignore" })).toMatchObject({ a: skewed, b: skewed });
  });

  it("counts tainted nodes as domains, unless told otherwise", () => {
    const taints = [{ key: "k", effect: "NoSchedule" }];
    const tainted = node("x", { labels: { zone: "zone2" }, taints });
    const cluster = clusterOf([zoned("a", "zone1"), tainted], { a: foos(1) });
    const of = (more: object) => filtered(podTopologySpread, spread([constraint("zone", 1, more)]), cluster);
    expect(of({})).toMatchObject({ a: skewed });
    expect(of({ nodeTaintsPolicy: "Honor" })).toMatchObject({ a: "ok" });
  });

  it("counts only pods with the same values of matchLabelKeys", () => {
    const labels = (hash: string) => ({ labels: { foo: "", hash } });
    const cluster = clusterOf(fourNodes(), { a: foos(2, labels("old")), x: foos(1, labels("new")) });
    const pod = spread([constraint("zone", 1, { matchLabelKeys: ["hash"] })], labels("new"));
    expect(filtered(podTopologySpread, pod, cluster)).toMatchObject({ a: "ok", x: skewed });
  });

  it("follows pods that are tried out", () => {
    const cluster = clusterOf(fourNodes(), { a: foos(1) });
    const filter = podTopologySpread.filter!(spread([constraint("zone", 1)]), cluster);
    if (!filter || "code" in filter) throw new Error("no filter");
    const [a] = cluster.nodes;
    expect(filter.check(a!)).toBeDefined();
    const [gone] = [...a!.pods.values()];
    filter.change!(a!, gone!, -1);
    expect(filter.check(a!)).toBeUndefined();
    filter.change!(a!, gone!, 1);
    expect(filter.check(a!)).toBeDefined();
  });
});

describe("scores", () => {
  it("one constraint on zones", () => {
    const cluster = clusterOf(fourNodes(), { a: foos(2), b: foos(1), x: foos(1) });
    // zone1 has 3, zone2 has 1: weight ln(4), 4.16 → 4 and 1.39 → 1; 100*(4+1-s)/4
    expect(scored(podTopologySpread, spread([constraint("zone", 1, soft)]), cluster)).toEqual({
      a: 25,
      b: 25,
      x: 100,
      y: 100,
    });
  });

  it("one constraint on hosts", () => {
    const hosts = ["a", "b", "c", "d"].map((name) => node(name));
    const cluster = clusterOf(hosts, { a: foos(2), b: foos(1), d: foos(3) });
    // ln(6) = 1.79: 3.58 → 4, 1.79 → 2, 0, 5.38 → 5; 100*(5-s)/5
    const pod = spread([constraint("kubernetes.io/hostname", 1, soft)]);
    expect(scored(podTopologySpread, pod, cluster)).toEqual({ a: 20, b: 60, c: 100, d: 0 });
  });

  it("nodes without the label are worst", () => {
    const cluster = clusterOf([zoned("a", "zone1"), node("bare")], { a: foos(1) });
    expect(scored(podTopologySpread, spread([constraint("zone", 1, soft)]), cluster)).toEqual({ a: 100, bare: 0 });
  });

  it("spreads by default what a Service or a ReplicaSet selects, and leaves other pods alone", () => {
    const zone = (name: string, value: string) => node(name, { labels: { "topology.kubernetes.io/zone": value } });
    const cluster = clusterOf([zone("a", "1"), zone("b", "1"), zone("c", "2")], { a: foos(4), c: foos(1) });
    expect(scored(podTopologySpread, info("p", foo), cluster)).toBe("skipped");
    const metadata = { name: "s", namespace: "default", uid: "s", resourceVersion: "1", creationTimestamp: "" };
    const service = { apiVersion: "v1", kind: "Service", metadata, spec: { selector: { foo: "" } } };
    cluster.objects.services.set(service);
    const scores = scored(podTopologySpread, info("p", foo), cluster);
    // hosts: ln(5)*n + 2, zones: ln(4)*n + 4 → a 18, b 12, c 9
    expect(scores).toEqual({ a: 50, b: 83, c: 100 });
    expect(scored(podTopologySpread, info("p", { labels: { bar: "" } }), cluster)).toBe("skipped");
  });
});
