/** The scheduler and claims that wait for a node, on the real API server; the test is the volumes' controller. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { resourceTypes } from "../../../../src/api/resource_types.ts";
import { schedulerRow } from "../../../../src/controlplane/scheduler/scheduler.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../fixtures/control_plane.ts";
import { eventually } from "../../../fixtures/eventually.ts";

const { pods, nodes, persistentVolumeClaims: claims, persistentVolumes: volumes, storageClasses } = resourceTypes;
const namespace = "default";
let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [schedulerRow] });
  const { client } = plane;
  await client.create(resourceTypes.serviceAccounts, { metadata: { namespace, name: "default" } });
  const made = await client.create(nodes, { metadata: { name: "a", labels: { zone: "1" } }, spec: {} });
  const allocatable = { cpu: "4", memory: "8Gi", pods: "10" };
  await client.update(nodes, { ...made, status: { allocatable, capacity: allocatable } }, { subresource: "status" });
  await client.patch(nodes, { name: "a" }, { type: "merge", body: { spec: { taints: null } } });
});
afterAll(() => plane.stop());

const makeClass = (name: string, provisioner: string) =>
  plane.client.create(storageClasses, { metadata: { name }, provisioner, volumeBindingMode: "WaitForFirstConsumer" });

async function makePod(name: string, storageClassName: string): Promise<void> {
  const resources = { requests: { storage: "1Gi" } };
  await plane.client.create(claims, {
    metadata: { namespace, name },
    spec: { accessModes: ["ReadWriteOnce"], storageClassName, resources },
  });
  await plane.client.create(pods, {
    metadata: { namespace, name },
    spec: {
      containers: [{ name: "main", image: "app" }],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: name } }],
    },
  });
}

/** What the volumes' controller does when both sides are known. */
async function completeClaim(name: string, volumeName: string): Promise<void> {
  const annotations = { "pv.kubernetes.io/bind-completed": "yes" };
  const body = { metadata: { annotations }, spec: { volumeName } };
  await plane.client.patch(claims, { namespace, name }, { type: "merge", body });
}

const nodeOf = (name: string) =>
  eventually(`a node for ${name}`, async () => (await plane.client.get(pods, { namespace, name })).spec.nodeName);

it("gives a claim the volume that it chose, and the pod its node when the claim is bound", async () => {
  await makeClass("static", "kubernetes.io/no-provisioner");
  await plane.client.create(volumes, {
    metadata: { name: "v" },
    spec: {
      storageClassName: "static",
      accessModes: ["ReadWriteOnce"],
      capacity: { storage: "5Gi" },
      local: { path: "/x" },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "Exists" }] }] } },
    },
  });
  const volume = await plane.client.get(volumes, { name: "v" });
  await plane.client.update(volumes, { ...volume, status: { phase: "Available" } }, { subresource: "status" });
  await makePod("bound", "static");
  const chosen = await eventually("the volume's claim", async () => {
    const { spec, metadata } = await plane.client.get(volumes, { name: "v" });
    return spec.claimRef && { ...spec.claimRef, annotations: metadata.annotations };
  });
  const claim = await plane.client.get(claims, { namespace, name: "bound" });
  expect(chosen).toMatchObject({
    kind: "PersistentVolumeClaim",
    namespace,
    name: "bound",
    uid: claim.metadata.uid,
    annotations: { "pv.kubernetes.io/bound-by-controller": "yes" },
  });
  expect((await plane.client.get(pods, { namespace, name: "bound" })).spec.nodeName).toBeUndefined();
  await completeClaim("bound", "v");
  expect(await nodeOf("bound")).toBe("a");
});

it("says on which node a volume is to be made, and waits for it", async () => {
  await makeClass("dynamic", "example.com/csi");
  await makePod("made", "dynamic");
  const selected = await eventually("the selected node", async () => {
    const { metadata } = await plane.client.get(claims, { namespace, name: "made" });
    return metadata.annotations?.["volume.kubernetes.io/selected-node"];
  });
  expect(selected).toBe("a");
  await completeClaim("made", "made-volume");
  expect(await nodeOf("made")).toBe("a");
});

it("tries anew when the provisioner gives the node back", async () => {
  await makePod("again", "dynamic");
  const annotation = "volume.kubernetes.io/selected-node";
  const claimOf = () => plane.client.get(claims, { namespace, name: "again" });
  await eventually("the selected node", async () => (await claimOf()).metadata.annotations?.[annotation]);
  const body = { metadata: { annotations: { [annotation]: null } } };
  await plane.client.patch(claims, { namespace, name: "again" }, { type: "merge", body });
  const failure = 'selectedNode annotation reset for PVC "again"';
  await eventually("the word of it", () =>
    plane.events.some(({ reason, message }) => reason === "FailedScheduling" && message.includes(failure)),
  );
  await eventually("the node once more", async () => (await claimOf()).metadata.annotations?.[annotation]);
  await completeClaim("again", "again-volume");
  expect(await nodeOf("again")).toBe("a");
});
