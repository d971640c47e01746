/** `fairlead bench hollow` on `fairlead server`: what is declared comes to life without a kubelet. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { startServerProcess, type ServerProcess } from "../fixtures/fairlead_server.ts";
import { startHollowProcess, type HollowProcess } from "../fixtures/hollow.ts";

const boundMs = 60_000;
const tolerations = [{ operator: "Exists" }];
let folder: string;
let server: ServerProcess;
let hollow: HollowProcess;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-hollow-"));
  server = await startServerProcess(path.join(folder, "data"), ["--secure-port", "0"]);
  hollow = await startHollowProcess(server.kubeconfig, ["--nodes", "10", "--pods-per-node", "20"]);
  await eventually("the account", async () => (await server.run(["get", "sa"])).includes("default"), boundMs);
});
afterAll(async () => {
  await hollow.stop();
  server.signal("SIGKILL");
  await server.exited;
  rmSync(folder, { recursive: true, force: true });
});

const template = (labels: object, more: object = {}) => ({
  metadata: { labels, ...more },
  spec: { tolerations, terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "i" }] },
});

describe("hollow nodes", () => {
  it("are ready, with leases", async () => {
    const nodes = JSON.parse(await server.run(["get", "nodes", "-o", "json"])) as { items: object[] };
    expect(nodes.items).toHaveLength(10);
    expect(nodes.items[3]).toMatchObject({
      metadata: { labels: { "kubernetes.io/hostname": "hollow-0003", "topology.kubernetes.io/zone": "hollow-0" } },
      status: { allocatable: { pods: "20" } },
    });
    expect((await server.run(["get", "nodes"])).match(/hollow-\d+ +Ready/g)).toHaveLength(10);
    expect(
      (await server.run(["get", "leases", "-n", "kube-node-lease", "-o", "name"])).trim().split("\n"),
    ).toHaveLength(10);
  });

  it("run a Deployment's pods, and let them go", async () => {
    const spec = { replicas: 30, selector: { matchLabels: { app: "web" } }, template: template({ app: "web" }) };
    const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec };
    await server.run(["create", "-f", "-"], deployment);
    await server.run(["rollout", "status", "deployment/web", "--timeout=25s"]);
    const pods = JSON.parse(await server.run(["get", "pods", "-l", "app=web", "-o", "json"])) as {
      items: { status: { podIP: string; phase: string }; spec: { nodeName: string } }[];
    };
    expect(new Set(pods.items.map(({ status }) => status.podIP)).size).toBe(30);
    expect(new Set(pods.items.map(({ spec: { nodeName } }) => nodeName)).size).toBe(10);
    await server.run(["delete", "deployment", "web"]);
    const left = async () => (await server.run(["get", "pods", "-l", "app=web", "-o", "name"])) === "";
    await eventually("the pods' end", left, boundMs);
  });

  it("end the pods that say so", async () => {
    const { metadata, spec } = template({}, { annotations: { "fairlead.io/hollow-exit-after": "1s" } });
    const once = { metadata, spec: { ...spec, restartPolicy: "Never" } };
    const job = { completions: 3, parallelism: 3, template: once };
    await server.run(["create", "-f", "-"], {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "once" },
      spec: job,
    });
    await server.run(["wait", "--for=condition=complete", "job/once", "--timeout=25s"]);
  });

  it("stop when they are told to", async () => {
    expect(await hollow.stop("SIGTERM")).toBe(0);
  });
});
