/** Who owns whom, as events tell it; cases as upstream's graph builder has them. */
import { describe, expect, it } from "vitest";
import { DependencyGraph } from "../../../../../src/controlplane/controllers/garbage_collector/graph.ts";
import type {
  Identity,
  OwnedMetadata,
} from "../../../../../src/controlplane/controllers/garbage_collector/identity.ts";
import type { OwnerReference } from "../../../../../src/model/kubernetes.ts";

function observed() {
  const said: string[] = [];
  const graph = new DependencyGraph({
    onDoubt: (uid) => said.push(`doubt ${uid}`),
    onOrphan: (uid) => said.push(`orphan ${uid}`),
    onAbsent: ({ uid, namespace }) => said.push(`absent ${namespace}/${uid}`),
    onInvalidNamespace: (dependent, owner) =>
      said.push(`wrong namespace ${dependent.uid} ${owner.uid} ${owner.namespace}`),
  });
  /** What was said since the last time. */
  const news = (): string[] => said.splice(0);
  return { graph, news };
}

const identity = (uid: string, over: Partial<Identity> = {}): Identity => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  namespace: "n",
  name: `name-${uid}`,
  uid,
  ...over,
});
const owner = (uid: string, over: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  name: `name-${uid}`,
  uid,
  ...over,
});
const metadata = (uid: string, over: Partial<OwnedMetadata> = {}): OwnedMetadata => ({
  name: `name-${uid}`,
  uid,
  resourceVersion: "1",
  ...over,
});

describe("an owner", () => {
  it("that is named before it is seen is looked for", () => {
    const { graph, news } = observed();
    graph.observe(identity("child"), metadata("child", { ownerReferences: [owner("parent")] }));
    expect(news()).toEqual(["doubt parent"]);
    expect(graph.get("parent")).toMatchObject({ isVirtual: true, identity: identity("parent") });
    graph.observe(identity("parent"), metadata("parent"));
    expect(graph.get("parent")?.isVirtual).toBe(false);
    expect(news()).toEqual([]);
  });

  it("that goes puts its dependents in doubt, and is known to be absent", () => {
    const { graph, news } = observed();
    graph.observe(identity("parent"), metadata("parent"));
    for (const child of ["a", "b"])
      graph.observe(identity(child), metadata(child, { ownerReferences: [owner("parent")] }));
    expect(news()).toEqual([]);
    graph.remove(identity("parent"));
    expect(news()).toEqual(["absent n/parent", "doubt a", "doubt b"]);
    graph.remove(identity("a"));
    graph.remove(identity("b"));
    expect(graph.size).toBe(0);
    expect(news()).toEqual([]);
  });

  it("whose resource is followed no more is looked for, and not taken for absent", () => {
    const { graph, news } = observed();
    graph.observe(identity("parent"), metadata("parent"));
    graph.observe(identity("child"), metadata("child", { ownerReferences: [owner("parent")] }));
    graph.forget(identity("parent"));
    expect(news()).toEqual(["doubt parent"]);
    graph.forget(identity("child"));
    expect(graph.get("child")).toBeUndefined();
  });

  it("that waits for its dependents is looked at when one goes, or blocks no more", () => {
    const { graph, news } = observed();
    const blocking = owner("parent", { blockOwnerDeletion: true });
    const deleted = { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["foregroundDeletion"] };
    graph.observe(identity("parent"), metadata("parent"));
    for (const child of ["a", "b", "c"])
      graph.observe(identity(child), metadata(child, { ownerReferences: [blocking] }));
    graph.observe(identity("parent"), metadata("parent", deleted));
    expect(news()).toEqual(["doubt a", "doubt b", "doubt c", "doubt parent"]);
    expect(graph.get("parent")?.blockingDependents()).toHaveLength(3);
    graph.remove(identity("a"));
    expect(news()).toEqual(["doubt parent"]);
    graph.observe(identity("b"), metadata("b", { ownerReferences: [owner("parent")] }));
    expect(news()).toEqual(["doubt parent"]);
    graph.observe(identity("c"), metadata("c"));
    expect(news()).toEqual(["doubt parent"]);
    expect(graph.get("parent")?.blockingDependents()).toEqual([]);
    // The same news twice is none.
    graph.observe(identity("parent"), metadata("parent", deleted));
    expect(news()).toEqual([]);
  });

  it("that is to be orphaned is said once", () => {
    const { graph, news } = observed();
    const deleted = { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["orphan", "other.io/x"] };
    graph.observe(identity("parent"), metadata("parent", deleted));
    graph.observe(identity("parent"), metadata("parent", { ...deleted, resourceVersion: "2" }));
    expect(news()).toEqual(["orphan parent"]);
  });

  it("of two objects that is taken from one loses that one alone", () => {
    const { graph, news } = observed();
    graph.observe(identity("p"), metadata("p"));
    graph.observe(identity("q"), metadata("q"));
    graph.observe(identity("child"), metadata("child", { ownerReferences: [owner("p"), owner("q")] }));
    graph.observe(identity("child"), metadata("child", { ownerReferences: [owner("q")] }));
    graph.remove(identity("p"));
    expect(news()).toEqual([]);
    graph.remove(identity("q"));
    expect(news()).toEqual(["absent n/q", "doubt child"]);
  });
});

describe("references that do not fit", () => {
  it.each([
    ["the owner was seen first", ["parent", "child"]],
    ["the dependent was seen first", ["child", "parent"]],
  ])("to another namespace are reported: %s", (_, order) => {
    const { graph, news } = observed();
    const child = identity("child", { namespace: "elsewhere" });
    for (const one of order) {
      if (one === "parent") graph.observe(identity("parent"), metadata("parent"));
      else graph.observe(child, metadata("child", { ownerReferences: [owner("parent")] }));
    }
    const news_ = news();
    expect(news_).toContain("wrong namespace child parent elsewhere");
    expect(news_).toContain("doubt child");
  });

  it("in name or kind put the dependent in doubt, and are no matter of namespaces", () => {
    const { graph, news } = observed();
    graph.observe(identity("parent"), metadata("parent"));
    graph.observe(identity("child"), metadata("child", { ownerReferences: [owner("parent", { kind: "Secret" })] }));
    expect(news()).toEqual(["doubt child"]);
  });

  it("from any namespace to what is cluster-wide are right", () => {
    const { graph, news } = observed();
    const node = { apiVersion: "v1", kind: "Node", name: "name-node" };
    graph.observe(identity("node", { ...node, namespace: "" }), metadata("node"));
    for (const namespace of ["a", "b", ""]) {
      graph.observe(
        identity(`of-${namespace}`, { namespace }),
        metadata(`of-${namespace}`, { ownerReferences: [owner("node", node)] }),
      );
    }
    expect(news()).toEqual([]);
  });
});

describe("an identity that the server does not know", () => {
  it("goes with its virtual node", () => {
    const { graph, news } = observed();
    graph.observe(identity("child"), metadata("child", { ownerReferences: [owner("parent")] }));
    news();
    graph.removeUnknown(identity("parent"));
    expect(news()).toEqual(["absent n/parent", "doubt child"]);
    expect(graph.get("parent")).toBeUndefined();
  });

  it("stays under the other that dependents mean, which is looked for next", () => {
    const { graph, news } = observed();
    graph.observe(identity("a"), metadata("a", { ownerReferences: [owner("parent")] }));
    graph.observe(identity("b"), metadata("b", { ownerReferences: [owner("parent", { kind: "Secret" })] }));
    expect(news()).toEqual(["doubt parent", "doubt b"]);
    graph.removeUnknown(identity("parent"));
    expect(news()).toEqual(["absent n/parent", "doubt a", "doubt parent"]);
    expect(graph.get("parent")).toMatchObject({ isVirtual: true, identity: { kind: "Secret" } });
    graph.removeUnknown(identity("parent", { kind: "Secret" }));
    expect(news()).toContain("doubt b");
  });

  it("is no reason to drop an object that was seen by another", () => {
    const { graph, news } = observed();
    graph.observe(identity("parent"), metadata("parent"));
    graph.observe(identity("child"), metadata("child", { ownerReferences: [owner("parent", { kind: "Secret" })] }));
    news();
    graph.removeUnknown(identity("parent", { kind: "Secret" }));
    expect(news()).toEqual(["absent n/parent", "doubt child"]);
    expect(graph.get("parent")?.isVirtual).toBe(false);
  });

  it("drops the object itself where it is that", () => {
    const { graph } = observed();
    graph.observe(identity("x"), metadata("x"));
    graph.removeUnknown(identity("x"));
    expect(graph.get("x")).toBeUndefined();
  });
});
