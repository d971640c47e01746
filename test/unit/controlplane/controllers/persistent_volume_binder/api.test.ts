/** Binder, local-path provisioner and protection together on the real API server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { isNotFound } from "../../../../../src/api/status_error.ts";
import { localPathProvisionerController } from "../../../../../src/controlplane/controllers/local_path_provisioner/local_path_provisioner.ts";
import { localPathFinalizer as dataFinalizer } from "../../../../../src/model/local_path.ts";
import { persistentVolumeBinderController } from "../../../../../src/controlplane/controllers/persistent_volume_binder/persistent_volume_binder.ts";
import {
  claimProtectionController,
  volumeProtectionController,
} from "../../../../../src/controlplane/controllers/volume_protection/volume_protection.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import { makeDefaultAccount } from "../../../../fixtures/namespaces.ts";

const { nodes, persistentVolumeClaims: claims, persistentVolumes: volumes, pods, storageClasses } = resourceTypes;
const namespace = "default";
let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({
    rows: [
      claimProtectionController,
      localPathProvisionerController,
      persistentVolumeBinderController,
      volumeProtectionController,
    ],
  });
  await makeDefaultAccount(plane.client, namespace);
  const labels = { "kubernetes.io/hostname": "n1" };
  await plane.client.create(nodes, { metadata: { name: "n1", labels }, spec: {} });
});
afterAll(() => plane.stop());

async function makeClaim(name: string, spec: object = {}): Promise<PersistentVolumeClaim> {
  const resources = { requests: { storage: "1Gi" } };
  const whole = { accessModes: ["ReadWriteOnce"], resources, ...spec };
  return plane.client.create(claims, { metadata: { namespace, name }, spec: whole });
}

async function makeVolume(name: string, size: string, spec: object = {}): Promise<PersistentVolume> {
  const whole = { accessModes: ["ReadWriteOnce"], capacity: { storage: size }, hostPath: { path: "/d" }, ...spec };
  return plane.client.create(volumes, { metadata: { name }, spec: whole });
}

async function makePod(name: string, claimName: string): Promise<void> {
  const volume = { name: "data", persistentVolumeClaim: { claimName } };
  const spec = { nodeName: "n1", containers: [{ name: "c", image: "i" }], volumes: [volume] };
  await plane.client.create(pods, { metadata: { namespace, name }, spec });
}

const claimIn = (name: string, phase: string): Promise<PersistentVolumeClaim> =>
  eventually(`${phase} of ${name}`, async () => {
    const claim = await plane.client.get(claims, { namespace, name });
    return claim.status?.phase === phase && claim;
  });

const volumeIn = (name: string, phase: string): Promise<PersistentVolume> =>
  eventually(`${phase} of ${name}`, async () => {
    const volume = await plane.client.get(volumes, { name });
    return volume.status?.phase === phase && volume;
  });

const gone = (what: string, get: () => Promise<unknown>): Promise<unknown> =>
  eventually(`the end of ${what}`, () => get().then(() => false, isNotFound));

const told = (name: string): string[] =>
  plane.events.filter(({ about }) => about.metadata.name === name).map(({ reason }) => reason);

describe("volumes that are there", () => {
  it("are bound, released and kept", async () => {
    await makeVolume("small", "1Gi", { storageClassName: "" });
    await makeVolume("large", "10Gi", { storageClassName: "" });
    await volumeIn("small", "Available");
    await volumeIn("large", "Available");
    await makeClaim("static", { storageClassName: "" });
    const claim = await claimIn("static", "Bound");
    expect(claim.spec.volumeName).toBe("small");
    expect(claim.status).toEqual({ phase: "Bound", accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" } });
    expect(claim.metadata.annotations).toEqual({
      "pv.kubernetes.io/bind-completed": "yes",
      "pv.kubernetes.io/bound-by-controller": "yes",
    });
    const volume = await volumeIn("small", "Bound");
    expect(volume.spec.claimRef).toMatchObject({ name: "static", uid: claim.metadata.uid });
    await plane.client.delete(claims, { namespace, name: "static" });
    await volumeIn("small", "Released");
    await volumeIn("large", "Available");
  });

  it("come after the claim, or are named by it, or name it", async () => {
    await makeClaim("early", { storageClassName: "slow" });
    await makeClaim("named", { storageClassName: "", volumeName: "wanted" });
    await makeVolume("late", "2Gi", { storageClassName: "slow" });
    await makeVolume("wanted", "2Gi", { storageClassName: "" });
    expect((await claimIn("early", "Bound")).spec.volumeName).toBe("late");
    expect((await claimIn("named", "Bound")).metadata.annotations).toEqual({
      "pv.kubernetes.io/bind-completed": "yes",
    });
    await makeVolume("reserved", "90Gi", { storageClassName: "", claimRef: { namespace, name: "reserver" } });
    await makeClaim("reserver", { storageClassName: "" });
    expect((await claimIn("reserver", "Bound")).spec.volumeName).toBe("reserved");
  });

  it("whose claim loses them leave it lost", async () => {
    await plane.client.patch(volumes, { name: "late" }, { type: "merge", body: { metadata: { finalizers: [] } } });
    await plane.client.delete(volumes, { name: "late" });
    // The protection is put back as long as it is not deleted: the volume is bound and stays.
    const held = await plane.client.get(volumes, { name: "late" }).catch(() => undefined);
    if (held)
      await plane.client.patch(volumes, { name: "late" }, { type: "merge", body: { metadata: { finalizers: [] } } });
    await claimIn("early", "Lost");
    expect(told("early")).toContain("ClaimLost");
  });
});

describe("claims and volumes in use", () => {
  it("stay until they are not", async () => {
    await makeVolume("guarded", "1Gi", { storageClassName: "guard" });
    await makeClaim("guarded", { storageClassName: "guard" });
    await claimIn("guarded", "Bound");
    await makePod("user", "guarded");
    await plane.client.delete(volumes, { name: "guarded" });
    await plane.client.delete(claims, { namespace, name: "guarded" });
    const claim = await plane.client.get(claims, { namespace, name: "guarded" });
    expect(claim.metadata.deletionTimestamp).toBeDefined();
    await plane.client.delete(pods, { namespace, name: "user" }, { gracePeriodSeconds: 0 });
    await gone("the claim", () => plane.client.get(claims, { namespace, name: "guarded" }));
    await gone("the volume", () => plane.client.get(volumes, { name: "guarded" }));
  });
});

describe("the local-path class", () => {
  it("is the default", async () => {
    const found = await eventually("the class", () =>
      plane.client.get(storageClasses, { name: "local-path" }).catch(() => undefined),
    );
    expect(found).toMatchObject({
      provisioner: "fairlead.io/local-path",
      volumeBindingMode: "WaitForFirstConsumer",
      reclaimPolicy: "Delete",
      metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    });
  });

  it("makes a volume once the scheduler has chosen a node, and removes it with its data", async () => {
    const key = { namespace, name: "data" };
    await makeClaim("data");
    await eventually("the wait", () => told("data").includes("WaitForFirstConsumer"));
    expect((await plane.client.get(claims, key)).spec.storageClassName).toBe("local-path");
    const body = { metadata: { annotations: { "volume.kubernetes.io/selected-node": "n1" } } };
    await plane.client.patch(claims, key, { type: "merge", body });
    const claim = await claimIn("data", "Bound");
    const name = `pvc-${claim.metadata.uid}`;
    expect(claim.spec.volumeName).toBe(name);
    const volume = await volumeIn(name, "Bound");
    expect(volume.spec.hostPath).toEqual({
      path: `/var/lib/fairlead/local-path/${name}_default_data`,
      type: "DirectoryOrCreate",
    });
    expect(told("data")).toEqual(
      expect.arrayContaining(["ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"]),
    );
    await plane.client.delete(claims, key);
    // The folder is still on the node: the volume says so.
    const held = await eventually("the wait for the node", async () => {
      const now = await plane.client.get(volumes, { name });
      const left = now.metadata.finalizers ?? [];
      return now.metadata.deletionTimestamp !== undefined && left.length === 1 && now;
    });
    expect(held.metadata.finalizers).toEqual([dataFinalizer]);
    expect(told(name)).toContain("WaitingForNode");
    // As the node does when it has removed the folder.
    await plane.client.patch(volumes, { name }, { type: "merge", body: { metadata: { finalizers: null } } });
    await gone("the volume", () => plane.client.get(volumes, { name }));
  });

  it("forgets volumes of a node that is gone", async () => {
    await plane.client.create(nodes, {
      metadata: { name: "n2", labels: { "kubernetes.io/hostname": "n2" } },
      spec: {},
    });
    const key = { namespace, name: "lost" };
    await makeClaim("lost");
    const body = { metadata: { annotations: { "volume.kubernetes.io/selected-node": "n2" } } };
    await plane.client.patch(claims, key, { type: "merge", body });
    const { spec } = await claimIn("lost", "Bound");
    await plane.client.delete(claims, key);
    await eventually("the wait", () => told(spec.volumeName!).includes("WaitingForNode"));
    await plane.client.delete(nodes, { name: "n2" });
    await gone("the volume", () => plane.client.get(volumes, { name: spec.volumeName! }));
  });

  it("gave nobody cause to complain", () => {
    expect(plane.complaints).toEqual([]);
  });
});
