/** Claims and volumes as people see them through kubectl, with the scheduler that chooses the node. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../src/api/resource_types.ts";
import { localPathProvisionerController } from "../../src/controlplane/controllers/local_path_provisioner/local_path_provisioner.ts";
import { persistentVolumeBinderController } from "../../src/controlplane/controllers/persistent_volume_binder/persistent_volume_binder.ts";
import {
  claimProtectionController,
  volumeProtectionController,
} from "../../src/controlplane/controllers/volume_protection/volume_protection.ts";
import { schedulerRow } from "../../src/controlplane/scheduler/scheduler.ts";
import { startTestControlPlane, type TestControlPlane } from "../fixtures/control_plane.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startPodRunner, type PodRunner } from "../fixtures/pod_runner.ts";

let plane: TestControlPlane;
let runner: PodRunner;
beforeAll(async () => {
  plane = await startTestControlPlane({
    rows: [
      claimProtectionController,
      localPathProvisionerController,
      persistentVolumeBinderController,
      volumeProtectionController,
      schedulerRow,
    ],
  });
  const { client } = plane;
  const labels = { "kubernetes.io/hostname": "node-a" };
  await client.create(resourceTypes.nodes, { metadata: { name: "node-a", labels }, spec: {} });
  const status = {
    allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
    conditions: [{ type: "Ready", status: "True" }],
  };
  await client.patch(
    resourceTypes.nodes,
    { name: "node-a" },
    { type: "merge", body: { status } },
    { subresource: "status" },
  );
  // node-a's own taint is the node lifecycle's, which does not run here.
  await client.patch(resourceTypes.nodes, { name: "node-a" }, { type: "merge", body: { spec: { taints: null } } });
  runner = await startPodRunner(client, { nodes: [], fate: ({ spec }) => (spec.nodeName ? "ready" : "wait") });
});
afterAll(async () => {
  await runner.stop();
  await plane.stop();
  expect(runner.failures).toEqual([]);
  expect(plane.internalErrors).toEqual([]);
});

const kubectl = (...args: string[]): Promise<string> => plane.run(args);
const claim = (name: string) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
});
const user = (name: string, claimName: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    containers: [{ name: "c", image: "i", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName } }],
  },
});

describe("kubectl on claims", () => {
  it("shows the default class", async () => {
    const row = await eventually("the class", async () => {
      const text = await kubectl("get", "storageclass", "--no-headers");
      return text !== "" && text;
    });
    expect(row).toMatch(/^local-path \(default\) +fairlead\.io\/local-path +Delete +WaitForFirstConsumer +false +/);
  });

  it("a claim waits for its pod, and is bound on the pod's node", async () => {
    await plane.run(["create", "-f", "-"], claim("data"));
    expect(await kubectl("get", "pvc", "data", "--no-headers")).toMatch(/^data +Pending +.*local-path/);
    await plane.run(["create", "-f", "-"], user("writer", "data"));
    await kubectl("wait", "--for=condition=ready", "pod/writer", "--timeout=20s");
    expect(await kubectl("get", "pvc", "data", "--no-headers")).toMatch(
      /^data +Bound +pvc-[0-9a-f-]+ +1Gi +RWO +local-path /,
    );
    expect(await kubectl("get", "pv", "--no-headers")).toMatch(
      /^pvc-[0-9a-f-]+ +1Gi +RWO +Delete +Bound +default\/data +local-path /,
    );
    const host = "jsonpath={.items[0].spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values[0]}";
    expect(await kubectl("get", "pv", "-o", host)).toBe("node-a");
  });

  it("delete waits for the pod, and the volume for its node", async () => {
    await kubectl("delete", "pvc", "data", "--wait=false");
    expect(await kubectl("get", "pvc", "data", "--no-headers")).toMatch(/^data +Terminating /);
    await kubectl("delete", "pod", "writer", "--timeout=20s");
    await kubectl("wait", "--for=delete", "pvc/data", "--timeout=20s");
    const row = await eventually("the volume's wait", async () => {
      const text = await kubectl("get", "pv", "--no-headers");
      return text.includes("Terminating") && text;
    });
    const [name = ""] = row.split(" ");
    await eventually("the word of it", () => plane.events.some(({ reason }) => reason === "WaitingForNode"));
    await kubectl("patch", "pv", name, "--type=json", "-p", '[{"op":"remove","path":"/metadata/finalizers"}]');
    await eventually("the end", async () => (await kubectl("get", "pv", "-o", "name")) === "");
  });

  it("gives nobody cause to complain", () => {
    expect(plane.complaints).toEqual([]);
  });
});
