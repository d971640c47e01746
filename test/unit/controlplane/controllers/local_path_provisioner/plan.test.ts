/** The provisioner of folders on nodes. */
import { describe, expect, it } from "vitest";
import {
  defaultClassOf,
  planClaim,
  planVolume,
} from "../../../../../src/controlplane/controllers/local_path_provisioner/plan.ts";
import {
  localPathFinalizer as dataFinalizer,
  localPathProvisioner as provisionerName,
} from "../../../../../src/model/local_path.ts";
import type { PersistentVolumeClaim } from "../../../../../src/model/kubernetes.ts";
import { node } from "../../../../fixtures/service_objects.ts";
import { claimOf, classNamed, volumeOf } from "../../../../fixtures/volume_objects.ts";

const storageClass = classNamed("local-path", {
  provisioner: provisionerName,
  volumeBindingMode: "WaitForFirstConsumer",
});
const asked = {
  "volume.kubernetes.io/storage-provisioner": provisionerName,
  "volume.kubernetes.io/selected-node": "n1",
};
const local = (spec: object = {}, annotations: Record<string, string> = asked, metadata: object = {}) =>
  claimOf("c", { storageClassName: "local-path", ...spec }, annotations, metadata);
const machine = { ...node("n1"), metadata: { ...node("n1").metadata, labels: { "kubernetes.io/hostname": "host-1" } } };
const run = (claim: PersistentVolumeClaim, of = storageClass) =>
  planClaim(claim, of, (name) => (name === "n1" ? machine : undefined), "/data");

describe("a claim", () => {
  it("gets a folder on its pod's node", () => {
    expect(run(local())).toMatchObject({
      event: { reason: "Provisioning", message: 'External provisioner is provisioning volume for claim "ns/c"' },
      create: {
        metadata: {
          name: "pvc-uid-c",
          annotations: { "pv.kubernetes.io/provisioned-by": provisionerName },
          finalizers: [dataFinalizer],
        },
        spec: {
          accessModes: ["ReadWriteOnce"],
          capacity: { storage: "5Gi" },
          claimRef: { kind: "PersistentVolumeClaim", namespace: "ns", name: "c", uid: "uid-c" },
          hostPath: { path: "/data/pvc-uid-c_ns_c", type: "DirectoryOrCreate" },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["host-1"] }] },
              ],
            },
          },
          persistentVolumeReclaimPolicy: "Delete",
          storageClassName: "local-path",
        },
      },
    });
  });

  it.each([
    ["has no node yet", local({}, { "volume.kubernetes.io/storage-provisioner": provisionerName })],
    ["is not asked for", local({}, { "volume.kubernetes.io/selected-node": "n1" })],
    ["is another provisioner's", local({}, { ...asked, "volume.kubernetes.io/storage-provisioner": "other" })],
    ["is bound", local({ volumeName: "v" })],
    ["goes", local({}, asked, { deletionTimestamp: "2026-01-01T00:00:00Z" })],
  ])("that %s gets none", (_, claim) => {
    expect(run(claim)).toBeUndefined();
  });

  it.each([
    ["block volumes are not supported", { volumeMode: "Block" }],
    [
      "access mode ReadWriteMany is not supported, only ReadWriteOnce and ReadWriteOncePod",
      { accessModes: ["ReadWriteMany"] },
    ],
    ["claim.Spec.Selector is not supported", { selector: {} }],
    ["data sources are not supported", { dataSource: { kind: "VolumeSnapshot", name: "s" } }],
  ])("is refused: %s", (why, spec) => {
    const planned = run(local(spec))!;
    expect(planned.create).toBeUndefined();
    expect(planned.event).toEqual({
      type: "Warning",
      reason: "ProvisioningFailed",
      message: `failed to provision volume with StorageClass "local-path": ${why}`,
    });
  });

  it("goes back to the scheduler when its node is gone", () => {
    const lost = run(local({}, { ...asked, "volume.kubernetes.io/selected-node": "n9" }))!;
    expect(lost).toMatchObject({ isRescheduled: true, event: { reason: "ProvisioningFailed" } });
    expect(lost.create).toBeUndefined();
  });

  it("of a class that does not wait for pods is refused", () => {
    const soon = { ...storageClass, volumeBindingMode: "Immediate" };
    const planned = run(local({}, { "volume.kubernetes.io/storage-provisioner": provisionerName }), soon);
    expect(planned).toMatchObject({ event: { reason: "ProvisioningFailed" } });
  });
});

describe("a volume", () => {
  const affinity = run(local())!.create!.spec.nodeAffinity!;
  const made = (phase: string, metadata: object = {}, policy = "Delete") =>
    volumeOf("pvc-1", { persistentVolumeReclaimPolicy: policy, nodeAffinity: affinity }, phase, {
      annotations: { "pv.kubernetes.io/provisioned-by": provisionerName },
      finalizers: ["kubernetes.io/pv-protection", dataFinalizer],
      ...metadata,
    });
  const going = { deletionTimestamp: "2026-01-01T00:00:00Z" };

  it.each([
    ["that is released goes", made("Released"), [machine], { kind: "delete" }],
    ["that is kept stays", made("Released", {}, "Retain"), [machine], undefined],
    ["that is bound stays", made("Bound"), [machine], undefined],
    [
      "that goes waits for its node to remove the folder",
      made("Released", going),
      [machine],
      { kind: "wait", node: "host-1" },
    ],
    [
      "of a node that is gone goes with it",
      made("Released", going),
      [],
      { kind: "forget", finalizers: ["kubernetes.io/pv-protection"] },
    ],
    ["whose folder is gone is nobody's any more", made("Released", { ...going, finalizers: [] }), [machine], undefined],
    ["of another provisioner is left alone", made("Released", { annotations: {} }), [machine], undefined],
  ])("%s", (_, volume, nodes, expected) => {
    expect(planVolume(volume, () => nodes)).toEqual(expected);
  });
});

describe("the class", () => {
  it("is the default, unless there is another", () => {
    const mark = { "storageclass.kubernetes.io/is-default-class": "true" };
    expect(defaultClassOf(false)).toMatchObject({ metadata: { name: "local-path", annotations: mark } });
    expect(defaultClassOf(true).metadata).not.toHaveProperty("annotations");
    expect(defaultClassOf(false)).toMatchObject({ volumeBindingMode: "WaitForFirstConsumer", reclaimPolicy: "Delete" });
  });
});
