/** Revisions, and which ReplicaSet is the new one. */
import { describe, expect, it } from "vitest";
import { plan } from "../../../../../src/controlplane/controllers/deployment/plan.ts";
import { newestAnnotations, nextRevision } from "../../../../../src/controlplane/controllers/deployment/revisions.ts";
import { nowMs } from "../../../../fixtures/workloads.ts";
import { deploymentOf, newest, setOf, type DeploymentShape } from "./shapes.ts";

const revision = "deployment.kubernetes.io/revision";
const history = "deployment.kubernetes.io/revision-history";
const planned = (shape: DeploymentShape, sets: ReturnType<typeof setOf>[]) =>
  plan({ deployment: deploymentOf(shape), replicaSets: sets, pods: new Map() }, nowMs);

describe("the annotations of the newest", () => {
  it.each([
    ["one that is made", {}, 1, { [revision]: "1" }],
    ["one that is still the newest", { [revision]: "3" }, 3, { [revision]: "3" }],
    ["one whose elders are gone", { [revision]: "9" }, 1, { [revision]: "9" }],
    ["one that comes back", { [revision]: "1" }, 3, { [revision]: "3", [history]: "1" }],
    ["one that comes back again", { [revision]: "3", [history]: "1" }, 5, { [revision]: "5", [history]: "1,3" }],
    ["one whose revision is no number", { [revision]: "x" }, 5, { [revision]: "x" }],
  ])("%s", (_, own, next, expected) => {
    expect(newestAnnotations(deploymentOf(), own, next)).toEqual(expected);
  });

  it("are the deployment's, but for what concerns it alone", () => {
    const annotations = {
      note: "1",
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
      [revision]: "7",
      "kubernetes.io/change-cause": "a new image",
    };
    expect(newestAnnotations(deploymentOf({ annotations }), { own: "2" }, 3)).toEqual({
      own: "2",
      note: "1",
      "kubernetes.io/change-cause": "a new image",
      [revision]: "3",
    });
  });

  it("keep so much of the history as fits", () => {
    const many = Array.from({ length: 500 }, (_, i) => String(1000 + i)).join(",");
    const kept = newestAnnotations(deploymentOf(), { [revision]: "1500", [history]: many }, 1600)[history]!;
    expect(kept.length).toBeLessThanOrEqual(2000);
    expect(kept.endsWith(",1499,1500")).toBe(true);
  });

  it("count from the greatest of the old", () => {
    expect(
      nextRevision([
        setOf("v1", 0, { revision: 4 }),
        setOf("v2", 0),
        setOf("v3", 0, { annotations: { [revision]: "x" } }),
      ]),
    ).toBe(5);
    expect(nextRevision([])).toBe(1);
  });
});

describe("the new ReplicaSet", () => {
  it("is made of the template, with its hash in name, labels and selector", () => {
    const { steps, revision: told } = planned({ surge: 2, minReadySeconds: 5, replicas: 3 }, [
      setOf("v1", 3, { revision: 2 }),
    ]);
    const [step] = steps;
    if (step?.kind !== "create-replica-set") throw new Error("nothing is made");
    const { metadata, spec } = step.set;
    const hash = metadata.labels?.["pod-template-hash"] ?? "";
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{5,10}$/);
    expect(metadata).toMatchObject({ name: `web-${hash}`, namespace: "default", labels: { app: "web" } });
    expect(metadata.annotations).toEqual({
      [revision]: "3",
      "deployment.kubernetes.io/desired-replicas": "3",
      "deployment.kubernetes.io/max-replicas": "5",
    });
    expect(metadata.ownerReferences).toMatchObject([
      { kind: "Deployment", name: "web", controller: true, blockOwnerDeletion: true },
    ]);
    expect(spec).toMatchObject({
      replicas: 2,
      minReadySeconds: 5,
      selector: { matchLabels: { app: "web", "pod-template-hash": hash } },
      template: { metadata: { labels: { app: "web", "pod-template-hash": hash } } },
    });
    expect(told).toBe("3");
  });

  it("has another name after a collision", () => {
    const name = (collisionCount: number) => {
      const [step] = planned({ status: { collisionCount } }, []).steps;
      return step?.kind === "create-replica-set" && step.set.metadata.name;
    };
    expect(new Set([name(0), name(1), name(2)]).size).toBe(3);
  });

  it("is the oldest of those with the template, whatever their hash is", () => {
    const twins = [
      setOf("twin-2", 0, { image: "web:new", revision: 1 }),
      setOf("twin-1", 10, { image: "web:new", revision: 2 }),
    ];
    const { steps, revision: told } = planned({ unavailable: 1 }, twins);
    expect(told).toBe("2");
    expect(steps.some(({ kind }) => kind === "create-replica-set")).toBe(false);
  });

  it("follows the deployment's minReadySeconds and annotations", () => {
    const { steps } = planned({ unavailable: 1, minReadySeconds: 7, annotations: { note: "1" } }, [newest(10)]);
    expect(steps).toMatchObject([{ kind: "update-replica-set", annotations: { note: "1" }, minReadySeconds: 7 }]);
    expect(planned({ unavailable: 1 }, [newest(10)]).steps).toEqual([]);
  });

  it("is not made for a deployment that is paused or deleted", () => {
    expect(planned({ paused: true }, []).steps).toEqual([]);
    expect(planned({ deleted: true }, [setOf("v1", 4)]).steps).toEqual([]);
  });
});
