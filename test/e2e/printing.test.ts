/** What kubectl shows of objects: the tables that the server prints. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../fixtures/api_server.ts";

let api: RunningServer;
beforeAll(async () => {
  api = await startServer();
});
afterAll(async () => {
  expect(api.internalErrors).toEqual([]);
  await api.stop();
});

async function kubectl(...args: string[]): Promise<string> {
  const all = ["-s", api.url, "--kubeconfig", "/dev/null", ...args];
  return (await promisify(execFile)("kubectl", all, { timeout: 30_000 })).stdout;
}

/** The words of each line. A column of one name has no space in it. */
function lines(text: string): string[][] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/).map((word) => word.trim()));
}

const meta = (name: string) => ({ name, namespace: "default" });
const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "nginx:1" }] } };

async function put(path: string, object: { status?: object; [field: string]: unknown }): Promise<void> {
  const made = await api.request("POST", path, object);
  expect(made.code, JSON.stringify(made.body)).toBe(201);
  if (!object.status) return;
  const { metadata } = made.body;
  const stored = await api.request("PUT", `${path}/${metadata.name}/status`, { ...made.body, status: object.status });
  expect(stored.code, JSON.stringify(stored.body)).toBe(200);
}

const core = "/api/v1/namespaces/default";
const apps = "/apis/apps/v1/namespaces/default";

describe("kubectl get", () => {
  it("shows pods, and where they run with -o wide", async () => {
    await put(`${core}/pods`, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: meta("web"),
      spec: { ...template.spec, nodeName: "node-a" },
      status: {
        phase: "Running",
        podIP: "10.1.0.5",
        podIPs: [{ ip: "10.1.0.5" }],
        containerStatuses: [
          { name: "c", ready: true, restartCount: 0, state: { running: {} }, image: "nginx:1", imageID: "" },
        ],
      },
    });
    const [header, row] = lines(await kubectl("get", "pods"));
    expect(header).toEqual(["NAME", "READY", "STATUS", "RESTARTS", "AGE"]);
    expect(row!.slice(0, 4)).toEqual(["web", "1/1", "Running", "0"]);
    expect(row![4]).toMatch(/^\d+s$/);
    const [wideHeader, wide] = lines(await kubectl("get", "pods", "-o", "wide"));
    expect(wideHeader!.slice(5)).toEqual(["IP", "NODE", "NOMINATED NODE", "READINESS GATES"]);
    expect(wide!.slice(5)).toEqual(["10.1.0.5", "node-a", "<none>", "<none>"]);
  });

  it("shows deployments and their containers", async () => {
    await put(`${apps}/deployments`, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: meta("web"),
      spec: { replicas: 3, selector: { matchLabels: { app: "web" } }, template },
      status: { replicas: 3, readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
    });
    const [header, row] = lines(await kubectl("get", "deployments", "-o", "wide"));
    expect(header).toEqual(["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"]);
    expect([...row!.slice(0, 4), ...row!.slice(5)]).toEqual(["web", "2/3", "3", "1", "c", "nginx:1", "app=web"]);
  });

  it("shows nodes that take no pods as disabled", async () => {
    await put("/api/v1/nodes", {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "node-a", labels: { "node-role.kubernetes.io/worker": "" } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        addresses: [{ type: "InternalIP", address: "192.0.2.7" }],
        nodeInfo: {
          kubeletVersion: "v1.34.0",
          osImage: "Debian",
          kernelVersion: "6.1",
          containerRuntimeVersion: "containerd://1.6",
          architecture: "amd64",
          bootID: "",
          kubeProxyVersion: "",
          machineID: "",
          operatingSystem: "linux",
          systemUUID: "",
        },
      },
    });
    const [, row] = lines(await kubectl("get", "nodes", "-o", "wide"));
    const [name, status, roles, , version, ...wide] = row!;
    expect([name, status, roles, version]).toEqual(["node-a", "Ready,SchedulingDisabled", "worker", "v1.34.0"]);
    expect(wide).toEqual(["192.0.2.7", "<none>", "Debian", "6.1", "containerd://1.6"]);
  });

  it("shows what has no columns of its own by name and time", async () => {
    await put("/apis/rbac.authorization.k8s.io/v1/clusterroles", {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "viewer" },
      rules: [],
    });
    const [header, row] = lines(await kubectl("get", "clusterroles"));
    expect(header).toEqual(["NAME", "CREATED AT"]);
    expect(row![1]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it("shows several kinds under their names", async () => {
    const text = await kubectl("get", "deployments.apps,pods");
    expect(text).toContain("deployment.apps/web");
    expect(text).toContain("pod/web");
  });
});

describe("a watch of tables", () => {
  it("says the columns once", async () => {
    const accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
    const stop = new AbortController();
    const response = await fetch(`${api.url}${core}/configmaps?watch=1`, {
      headers: { Accept: accept },
      signal: stop.signal,
    });
    for (const name of ["one", "two"]) {
      await put(`${core}/configmaps`, { apiVersion: "v1", kind: "ConfigMap", metadata: meta(name), data: { a: "1" } });
    }
    let text = "";
    for await (const part of response.body!) {
      text += Buffer.from(part as Uint8Array).toString();
      if (text.split("\n").length > 2) break;
    }
    stop.abort();
    const [first, second] = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(first.object.columnDefinitions.map((column: { name: string }) => column.name)).toEqual([
      "Name",
      "Data",
      "Age",
    ]);
    expect(second.object.columnDefinitions).toBeNull();
    expect([first, second].map((event) => event.object.rows[0].cells.slice(0, 2))).toEqual([
      ["one", 1],
      ["two", 1],
    ]);
  });

  it.each([
    ["None", null],
    ["Metadata", "PartialObjectMetadata"],
    ["Object", "ConfigMap"],
  ])("carries %s with each row", async (include, kind) => {
    const accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
    const { body } = await api.request("GET", `${core}/configmaps?includeObject=${include}`, undefined, {
      Accept: accept,
    });
    expect(body.rows[0].object?.kind ?? null).toBe(kind);
  });

  it("refuses to carry anything else", async () => {
    const accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
    const { body } = await api.request("GET", `${core}/configmaps?includeObject=All`, undefined, { Accept: accept });
    expect([body.code, body.message]).toEqual([400, 'unrecognized includeObject value: "All"']);
  });
});
