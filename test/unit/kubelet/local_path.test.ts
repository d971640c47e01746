/** Which folders a node removes: its own volumes', and nothing that somebody has only written into an object. */
import { describe, expect, it } from "vitest";
import { planRemoval } from "../../../src/kubelet/volumes/local_path/plan.ts";
import type { PersistentVolume } from "../../../src/model/kubernetes.ts";
import { localPathFinalizer } from "../../../src/model/local_path.ts";

const node = { hostname: "n1", folder: "/var/lib/fairlead/local-path" };

interface Facts {
  readonly path?: string;
  readonly host?: string;
  readonly phase?: string;
  readonly finalizers?: readonly string[];
  readonly isDeleted?: boolean;
}

function volume(facts: Facts = {}): PersistentVolume {
  const { path = `${node.folder}/pvc-1_default_data`, host = "n1", phase = "Released", isDeleted = true } = facts;
  const finalizers = facts.finalizers ?? ["kubernetes.io/pv-protection", localPathFinalizer];
  const matchExpressions = [{ key: "kubernetes.io/hostname", operator: "In", values: [host] }];
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: {
      name: "pvc-1",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      finalizers,
      ...(isDeleted ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: { hostPath: { path }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } } },
    status: { phase },
  };
}

describe("planRemoval", () => {
  it("takes the folder of a volume that is being deleted, and the finalizer that waits for it", () => {
    const folder = `${node.folder}/pvc-1_default_data`;
    expect(planRemoval(volume(), node)).toEqual({ folder, finalizers: ["kubernetes.io/pv-protection"] });
  });

  it.each<[string, Facts]>([
    ["a volume that nobody deletes", { isDeleted: false }],
    ["a volume that a claim still has", { phase: "Bound" }],
    ["a volume of another provisioner", { finalizers: ["example.com/data"] }],
    ["a volume of another node", { host: "n2" }],
    ["a folder elsewhere", { path: "/etc/pvc-1_default_data" }],
    ["a folder that a path leads out to", { path: `${node.folder}/../pvc-1_default_data` }],
    ["the folder of all", { path: node.folder }],
    ["another volume's folder", { path: `${node.folder}/pvc-2_default_data` }],
  ])("leaves %s", (_, facts) => expect(planRemoval(volume(facts), node)).toBeUndefined());
});
