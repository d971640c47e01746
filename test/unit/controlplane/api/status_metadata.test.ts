/** Which metadata a write of the status changes: what each kind's status strategy lets it, upstream's PrepareForUpdate. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partHandlers } from "../../../../src/controlplane/apiserver/subresources/parts.ts";
import { startServer, type RunningServer } from "../../../fixtures/api_server.ts";

let server: RunningServer;
beforeAll(async () => void (server = await startServer({ subresources: partHandlers })));
afterAll(() => server.stop());

type Fields = Record<string, unknown>;

const owner = { apiVersion: "v1", kind: "Node", name: "n", uid: "u" };
const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "i" }] } };
const selector = { matchLabels: { app: "a" } };

async function createdAt(path: string, kind: string, apiVersion: string, fields: Fields, name = "x") {
  const made = await server.request("POST", path, {
    apiVersion,
    kind,
    metadata: { name, labels: { had: "1" } },
    ...fields,
  });
  expect(made.code, JSON.stringify(made.body)).toBe(201);
  return `${path}/${name}`;
}

/** Fields of metadata that a merge patch of the status changes. */
async function changedByStatus(path: string, subresource = "status"): Promise<string[]> {
  const metadata = {
    labels: { added: "1" },
    annotations: { a: "1" },
    ownerReferences: [owner],
    finalizers: ["a.io/f"],
  };
  const type = { "Content-Type": "application/merge-patch+json" };
  const answer = await server.request("PATCH", `${path}/${subresource}`, { metadata }, type);
  expect(answer.code, JSON.stringify(answer.body)).toBe(200);
  const after = answer.body.metadata as Record<string, object | undefined>;
  const changed = [];
  if ("added" in (after["labels"] ?? {})) changed.push("labels");
  if (after["annotations"]) changed.push("annotations");
  if (after["ownerReferences"]) changed.push("ownerReferences");
  if (after["finalizers"]) changed.push("finalizers");
  return changed;
}

const all = ["labels", "annotations", "ownerReferences", "finalizers"];

describe("a write of the status", () => {
  const namespaced = (group: string, plural: string): string =>
    group === "v1" ? `/api/v1/namespaces/default/${plural}` : `/apis/${group}/namespaces/default/${plural}`;

  it.each<[string, string, string, Fields, string[]]>([
    ["v1", "Pod", "pods", { spec: template.spec }, ["labels", "annotations", "finalizers"]],
    ["v1", "Service", "services", { spec: { ports: [{ port: 80 }] } }, all],
    [
      "apps/v1",
      "Deployment",
      "deployments",
      { spec: { selector, template } },
      ["annotations", "ownerReferences", "finalizers"],
    ],
    ["apps/v1", "ReplicaSet", "replicasets", { spec: { selector, template } }, all],
    ["apps/v1", "DaemonSet", "daemonsets", { spec: { selector, template } }, all],
    ["policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", { spec: { selector } }, all],
  ])("of %s %s changes what upstream's does", async (version, kind, plural, fields, expected) => {
    expect(await changedByStatus(await createdAt(namespaced(version, plural), kind, version, fields))).toEqual(
      expected,
    );
  });

  it("of a Node changes its metadata: kubelets annotate so", async () => {
    expect(await changedByStatus(await createdAt("/api/v1/nodes", "Node", "v1", {}))).toEqual(all);
  });

  it("of a VolumeAttachment changes none", async () => {
    const spec = { attacher: "a.io", nodeName: "n", source: { persistentVolumeName: "v" } };
    const path = "/apis/storage.k8s.io/v1/volumeattachments";
    expect(await changedByStatus(await createdAt(path, "VolumeAttachment", "storage.k8s.io/v1", { spec }))).toEqual([]);
  });

  it("keeps the spec, and is noted with what it changed of metadata", async () => {
    const path = await createdAt("/api/v1/nodes", "Node", "v1", {}, "noted");
    const type = { "Content-Type": "application/strategic-merge-patch+json", "User-Agent": "kubelet/v1" };
    const body = { metadata: { annotations: { a: "1" } }, spec: { unschedulable: true }, status: { phase: "Running" } };
    const { body: node } = await server.request("PATCH", `${path}/status`, body, type);
    expect(node.spec).toEqual({});
    const entry = (node.metadata.managedFields as Fields[]).find(({ manager }) => manager === "kubelet");
    expect(entry).toMatchObject({
      subresource: "status",
      fieldsV1: { "f:metadata": { "f:annotations": { "f:a": {} } }, "f:status": { "f:phase": {} } },
    });
    expect(entry!["fieldsV1"]).not.toHaveProperty("f:spec");
  });

  it("takes the last finalizer off an object that is going, which goes then", async () => {
    const fields = { spec: { selector, template } };
    const path = await createdAt(namespaced("apps/v1", "replicasets"), "ReplicaSet", "apps/v1", fields, "going");
    const type = { "Content-Type": "application/merge-patch+json" };
    await server.request("PATCH", path, { metadata: { finalizers: ["a.io/f"] } }, type);
    expect((await server.request("DELETE", path)).body.metadata.deletionTimestamp).toBeDefined();
    await server.request("PATCH", `${path}/status`, { metadata: { finalizers: null } }, type);
    expect((await server.request("GET", path)).code).toBe(404);
  });
});

describe("a pod's other parts", () => {
  it.each(["ephemeralcontainers", "resize"])("%s changes no metadata", async (part) => {
    const path = await createdAt("/api/v1/namespaces/default/pods", "Pod", "v1", { spec: template.spec }, `of-${part}`);
    expect(await changedByStatus(path, part)).toEqual([]);
  });

  it("keeps the generations that were seen, from clients that do not know them", async () => {
    const path = await createdAt("/api/v1/namespaces/default/pods", "Pod", "v1", { spec: template.spec }, "seen");
    const { body: pod } = await server.request("GET", path);
    const condition = { type: "Ready", status: "True" };
    const status = { phase: "Running", observedGeneration: 1, conditions: [{ ...condition, observedGeneration: 1 }] };
    await server.request("PUT", `${path}/status`, { ...pod, status });
    const { body: read } = await server.request("GET", path);
    const older = { phase: "Running", conditions: [{ ...condition, status: "False" }] };
    const { body: after } = await server.request("PUT", `${path}/status`, { ...read, status: older });
    expect(after.status).toMatchObject({ observedGeneration: 1, qosClass: "BestEffort" });
    expect(after.status.conditions).toEqual([{ ...condition, status: "False", observedGeneration: 1 }]);
  });
});

describe("a status that says when it changed", () => {
  const patchStatus = (path: string, status: Fields) =>
    server.request("PATCH", `${path}/status`, { status }, { "Content-Type": "application/merge-patch+json" });

  it("of a PersistentVolume gets the time of its phase", async () => {
    const spec = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/x" } };
    const path = await createdAt("/api/v1/persistentvolumes", "PersistentVolume", "v1", { spec });
    const given = "2020-01-01T00:00:00Z";
    const first = await patchStatus(path, { phase: "Available", lastPhaseTransitionTime: given });
    expect(first.body.status).toEqual({ phase: "Available", lastPhaseTransitionTime: given });
    const same = await patchStatus(path, { message: "m", lastPhaseTransitionTime: null });
    expect(same.body.status.lastPhaseTransitionTime).toBe(given);
    const bound = await patchStatus(path, { phase: "Bound" });
    expect(Date.parse(bound.body.status.lastPhaseTransitionTime)).toBeGreaterThan(Date.parse(given));
  });
});
