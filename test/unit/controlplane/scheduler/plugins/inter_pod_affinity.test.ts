/** InterPodAffinity: cases that upstream's filtering and scoring tests check. */
import { describe, expect, it } from "vitest";
import { interPodAffinity } from "../../../../../src/controlplane/scheduler/plugins/inter_pod_affinity.ts";
import type { Cluster } from "../../../../../src/controlplane/scheduler/cluster/cluster.ts";
import type { PodInfo } from "../../../../../src/controlplane/scheduler/model/pod_info.ts";
import { clusterOf, info, node, type PodOptions } from "../objects.ts";
import { filtered, scored } from "./harness.ts";

const notNear = "node(s) didn't match pod affinity rules";
const tooNear = "~node(s) didn't match pod anti-affinity rules";
const unwanted = "~node(s) didn't satisfy existing pods anti-affinity rules";

const term = (app: string, more: object = {}) => ({
  labelSelector: { matchLabels: { app } },
  topologyKey: "zone",
  ...more,
});
const weighted = (weight: number, app: string, more: object = {}) => ({ weight, podAffinityTerm: term(app, more) });

interface Terms {
  readonly near?: object[];
  readonly far?: object[];
  readonly rather?: object[];
  readonly ratherNot?: object[];
}

function withTerms(
  name: string,
  app: string,
  { near, far, rather, ratherNot }: Terms,
  options: PodOptions = {},
): PodInfo {
  const rules = (required?: object[], preferred?: object[]) => ({
    ...(required ? { requiredDuringSchedulingIgnoredDuringExecution: required } : {}),
    ...(preferred ? { preferredDuringSchedulingIgnoredDuringExecution: preferred } : {}),
  });
  const affinity = { podAffinity: rules(near, rather), podAntiAffinity: rules(far, ratherNot) };
  return info(name, { labels: { app }, spec: { affinity: affinity as object }, ...options });
}

const nodes = () => [
  node("a", { labels: { zone: "1" } }),
  node("b", { labels: { zone: "1" } }),
  node("c", { labels: { zone: "2" } }),
  node("bare"),
];
const plain = (name: string, app: string, options: PodOptions = {}) => info(name, { labels: { app }, ...options });
const filter = (pod: PodInfo, cluster: Cluster) => filtered(interPodAffinity, pod, cluster);

describe("filters", () => {
  it("nothing where nobody minds", () => {
    const cluster = clusterOf(nodes(), { a: [plain("db-1", "db")] });
    expect(interPodAffinity.filter!(plain("p", "web"), cluster)).toBeUndefined();
  });

  it("wants to be near, in the whole domain", () => {
    const cluster = clusterOf(nodes(), { a: [plain("db-1", "db")] });
    expect(filter(withTerms("p", "web", { near: [term("db")] }), cluster)).toEqual({
      a: "ok",
      b: "ok",
      c: notNear,
      bare: notNear,
    });
  });

  it("wants one pod that all terms mean", () => {
    const cluster = clusterOf(nodes(), { a: [plain("db-1", "db")], c: [plain("cache-1", "cache")] });
    expect(filter(withTerms("p", "web", { near: [term("db"), term("cache")] }), cluster)).toMatchObject({
      a: notNear,
      c: notNear,
    });
  });

  it("lets the first of its own kind be anywhere that has the label", () => {
    const first = withTerms("p", "web", { near: [term("web")] });
    expect(filter(first, clusterOf(nodes()))).toEqual({ a: "ok", b: "ok", c: "ok", bare: notNear });
    const second = clusterOf(nodes(), { c: [plain("web-1", "web")] });
    expect(filter(first, second)).toMatchObject({ a: notNear, c: "ok" });
  });

  it("stays away", () => {
    const cluster = clusterOf(nodes(), { a: [plain("web-1", "web")] });
    expect(filter(withTerms("p", "web", { far: [term("web")] }), cluster)).toEqual({
      a: tooNear,
      b: tooNear,
      c: "ok",
      bare: "ok",
    });
    const byHost = withTerms("p", "web", { far: [term("web", { topologyKey: "kubernetes.io/hostname" })] });
    expect(filter(byHost, cluster)).toEqual({ a: tooNear, b: "ok", c: "ok", bare: "ok" });
  });

  it("is kept away by pods that are there", () => {
    const cluster = clusterOf(nodes(), { c: [withTerms("hermit", "db", { far: [term("web")] })] });
    expect(filter(plain("p", "web"), cluster)).toEqual({ a: "ok", b: "ok", c: unwanted, bare: "ok" });
    expect(filter(plain("p", "other"), cluster)).toMatchObject({ c: "ok" });
    cluster.removePod("uid-hermit");
    expect(filter(plain("p", "web"), cluster)).toMatchObject({ c: "ok" });
  });

  it("means pods of its own namespace, of namespaces by name, or of those with labels", () => {
    const db = plain("db-1", "db", { namespace: "prod" });
    const of = (more: object) => {
      const cluster = clusterOf(nodes(), { a: [db] });
      const metadata = { name: "prod", uid: "n", resourceVersion: "1", creationTimestamp: "", labels: { team: "x" } };
      cluster.objects.namespaces.set({ apiVersion: "v1", kind: "Namespace", metadata, spec: {} });
      return filter(withTerms("p", "web", { near: [term("db", more)] }), cluster)["a"];
    };
    expect(of({})).toBe(notNear);
    expect(of({ namespaces: ["prod"] })).toBe("ok");
    expect(of({ namespaceSelector: { matchLabels: { team: "x" } } })).toBe("ok");
    expect(of({ namespaceSelector: { matchLabels: { team: "y" } } })).toBe(notNear);
    expect(of({ namespaceSelector: {} })).toBe("ok");
  });

  it("means only pods with the same, or another, value of a label", () => {
    const labels = (hash: string) => ({ labels: { app: "web", hash } });
    const cluster = clusterOf(nodes(), { a: [info("old", labels("1"))], c: [info("new", labels("2"))] });
    const of = (more: object) => filter(withTerms("p", "", { far: [term("web", more)] }, withSpec(more)), cluster);
    const withSpec = (more: object): PodOptions => ({
      ...labels("2"),
      spec: {
        affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term("web", more)] } },
      },
    });
    expect(of({ matchLabelKeys: ["hash"] })).toMatchObject({ a: "ok", c: tooNear });
    expect(of({ mismatchLabelKeys: ["hash"] })).toMatchObject({ a: tooNear, c: "ok" });
  });

  it("follows pods that are tried out", () => {
    const far = withTerms("p", "web", { far: [term("web")], near: [term("db")] });
    const cluster = clusterOf(nodes(), {
      a: [plain("web-1", "web"), plain("db-1", "db"), withTerms("hermit", "x", { far: [term("web")] })],
    });
    const tried = interPodAffinity.filter!(far, cluster);
    if (!tried || "code" in tried) throw new Error("no filter");
    const a = cluster.node("a")!;
    const reason = () => tried.check(a)?.reasons[0];
    const change = (uid: string, by: 1 | -1) => tried.change!(a, a.pods.get(uid)!, by);
    expect(reason()).toBe(tooNear.slice(1));
    change("uid-web-1", -1);
    expect(reason()).toBe(unwanted.slice(1));
    change("uid-hermit", -1);
    expect(reason()).toBeUndefined();
    change("uid-db-1", -1);
    expect(reason()).toBe(notNear);
    change("uid-db-1", 1);
    change("uid-web-1", 1);
    expect(reason()).toBe(tooNear.slice(1));
  });
});

describe("scores", () => {
  const score = (pod: PodInfo, cluster: Cluster) => scored(interPodAffinity, pod, cluster);

  it("what the pod would rather be near to or not", () => {
    const cluster = clusterOf(nodes(), {
      a: [plain("db-1", "db"), plain("db-2", "db")],
      c: [plain("noise-1", "noise")],
    });
    const pod = withTerms("p", "web", { rather: [weighted(10, "db")], ratherNot: [weighted(20, "noise")] });
    // zone 1: +20, zone 2: -20, no zone: 0
    expect(score(pod, cluster)).toEqual({ a: 100, b: 100, c: 0, bare: 50 });
  });

  it("what pods that are there would rather: preferred, not preferred, and required as 1", () => {
    const cluster = clusterOf(nodes(), {
      a: [withTerms("db-1", "db", { rather: [weighted(4, "web")] })],
      c: [
        withTerms("db-2", "db", { near: [term("web")] }),
        withTerms("db-3", "db", { ratherNot: [weighted(5, "web")] }),
      ],
    });
    // zone 1: 4, zone 2: 1 - 5 = -4, no zone: 0
    expect(score(plain("p", "web"), cluster)).toEqual({ a: 100, b: 100, c: 0, bare: 50 });
    expect(score(plain("p", "other"), cluster)).toBe("skipped");
  });
});
