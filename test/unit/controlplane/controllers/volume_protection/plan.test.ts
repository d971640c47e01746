/** What upstream checks of the protection of claims and volumes (pkg/controller/volume/pvcprotection, pvprotection). */
import { describe, expect, it } from "vitest";
import { claimsOf } from "../../../../../src/controlplane/controllers/volume_protection/claim_users.ts";
import {
  finalizersOf,
  isClaimUsed,
  isVolumeUsed,
} from "../../../../../src/controlplane/controllers/volume_protection/plan.ts";
import { pod } from "../../../../fixtures/service_objects.ts";
import { claimOf, volumeOf } from "../../../../fixtures/volume_objects.ts";

const guard = "kubernetes.io/pvc-protection";
const going = { deletionTimestamp: "2026-01-01T00:00:00Z" };

describe("the finalizer", () => {
  it.each([
    ["is added", {}, true, [guard]],
    ["is added beside others", { finalizers: ["x"] }, false, ["x", guard]],
    ["stays", { finalizers: [guard] }, false, undefined],
    ["stays while it is used", { ...going, finalizers: [guard] }, true, undefined],
    ["goes when it is not", { ...going, finalizers: ["x", guard] }, false, ["x"]],
    ["is not added to what goes", { ...going, finalizers: ["x"] }, false, undefined],
  ])("%s", (_, metadata, isUsed, expected) => {
    expect(finalizersOf(claimOf("c", {}, {}, metadata), guard, isUsed)).toEqual(expected);
  });
});

describe("a claim is used", () => {
  const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "c" } }];
  const ephemeral = [{ name: "data", ephemeral: {} }];
  const own = claimOf(
    "p-data",
    {},
    {},
    { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "uid-p" }] },
  );

  it.each([
    ["by a pod on a node", claimOf("c"), pod("p", { spec: { volumes } }), true],
    [
      "by a pod that has ended, which is still there",
      claimOf("c"),
      pod("p", { phase: "Succeeded", spec: { volumes } }),
      true,
    ],
    ["not by one without a node", claimOf("c"), pod("p", { spec: { volumes, nodeName: "" } }), false],
    ["not by a pod of another claim", claimOf("other"), pod("p", { spec: { volumes } }), false],
    ["by the pod of an ephemeral volume", own, pod("p", { spec: { volumes: ephemeral } }), true],
    ["not by that pod when it has ended", own, pod("p", { phase: "Failed", spec: { volumes: ephemeral } }), false],
    ["not by a pod that it does not belong to", claimOf("p-data"), pod("p", { spec: { volumes: ephemeral } }), false],
  ])("%s", (_, claim, user, expected) => {
    expect(isClaimUsed(claim, [user])).toBe(expected);
  });

  it("and found by its name", () => {
    expect(claimsOf(pod("p", { spec: { volumes: [...volumes, { name: "tmp", ephemeral: {} }] } }))).toEqual([
      "ns/c",
      "ns/p-tmp",
    ]);
  });
});

describe("a volume is used", () => {
  it("while it is bound", () => {
    expect(isVolumeUsed(volumeOf("v", {}, "Bound"))).toBe(true);
    expect(isVolumeUsed(volumeOf("v", {}, "Released"))).toBe(false);
  });
});
