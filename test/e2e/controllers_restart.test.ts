/** A server that is killed in the midst of rollouts finishes them when it is started again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HttpClient } from "../../src/api/http/http_client.ts";
import { resourceTypes } from "../../src/api/resource_types.ts";
import type { Pod } from "../../src/model/kubernetes.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startServerProcess, type ServerProcess } from "../fixtures/fairlead_server.ts";
import { startPodRunner, type Fate, type PodRunner } from "../fixtures/pod_runner.ts";
import { template } from "../fixtures/workloads.ts";

/** Bound of a wait: the machine may be busy. */
const longMs = 60_000;

interface Running {
  readonly server: ServerProcess;
  readonly client: HttpClient;
  readonly runner: PodRunner;
}

let folder: string;
let running: Running | undefined;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-killed-"));
});
afterEach(async () => {
  await end("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Nodes have no agent here, and should not be found dead. */
const flags = ["--secure-port", "0", "--controllers=*,-node-lifecycle-controller,-pod-garbage-collector-controller"];

async function start(fate: (pod: Pod) => Fate): Promise<Running> {
  const server = await startServerProcess(path.join(folder, "data"), flags);
  const client = new HttpClient({ kubeconfig: server.kubeconfig, userAgent: "test" });
  const runner = await startPodRunner(client, { nodes: [], fate });
  return (running = { server, client, runner });
}

async function end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | undefined> {
  if (!running) return undefined;
  const { server, client, runner } = running;
  running = undefined;
  server.signal(signal);
  const code = await server.exited;
  client.close();
  await runner.stop();
  return code;
}

const kinds = ["Deployment", "StatefulSet", "DaemonSet"] as const;
const nameOf = (kind: string): string => `the-${kind.toLowerCase()}`;

function workload(kind: (typeof kinds)[number]): object {
  const name = nameOf(kind);
  const spec = { selector: { matchLabels: { app: name } }, template: template({ app: name }) };
  const sized = kind === "DaemonSet" ? spec : { ...spec, replicas: 4 };
  const more = kind === "StatefulSet" ? { serviceName: name } : {};
  return { apiVersion: "apps/v1", kind, metadata: { name }, spec: { ...sized, ...more } };
}

/** Pods by their set and image: "the-daemonset web:2". */
function images({ runner }: Running): readonly string[] {
  return runner
    .pods()
    .map(({ metadata, spec }) => `${metadata.labels?.["app"]} ${spec.containers[0]?.image}`)
    .sort();
}

async function isRolledOut({ server }: Running): Promise<void> {
  for (const kind of kinds) {
    await server.run(["rollout", "status", `${kind.toLowerCase()}/${nameOf(kind)}`, "--timeout=25s"]);
  }
}

const allOf = (image: string): readonly string[] =>
  kinds.flatMap((kind) => Array<string>(kind === "DaemonSet" ? 2 : 4).fill(`${nameOf(kind)} ${image}`)).sort();

async function addNodes({ client }: Running): Promise<void> {
  for (const name of ["n1", "n2"]) {
    await client.create(resourceTypes.nodes, { metadata: { name }, spec: {} });
    await client.patch(resourceTypes.nodes, { name }, { type: "merge", body: { spec: { taints: null } } });
  }
}

describe("a server that is killed", () => {
  it("finishes the rollouts that it was at", async () => {
    const isNew = ({ spec }: Pod): boolean => spec.containers[0]?.image === "web:2";
    const first = await start((pod) => (isNew(pod) ? "wait" : "ready"));
    await addNodes(first);
    for (const kind of kinds) await first.server.run(["create", "-f", "-"], workload(kind));
    await isRolledOut(first);
    expect(images(first)).toEqual(allOf("web:1"));
    for (const kind of kinds) await first.server.run(["set", "image", `${kind}/${nameOf(kind)}`, "web=web:2"]);
    const isHalfway = (): boolean => kinds.every((kind) => images(first).includes(`${nameOf(kind)} web:2`));
    await eventually("new pods of all", isHalfway, longMs);
    expect(images(first)).not.toEqual(allOf("web:2"));
    expect(await end("SIGKILL")).toBe("SIGKILL");

    const second = await start(() => "ready");
    await isRolledOut(second);
    await eventually("all pods to be new", () => images(second).join() === allOf("web:2").join(), longMs);
    const { items } = await second.client.list(resourceTypes.replicaSets, { namespace: "default" });
    expect(items.map(({ spec }) => spec.replicas).sort()).toEqual([0, 4]);
    const revisions = await second.client.list(resourceTypes.controllerRevisions, { namespace: "default" });
    expect(revisions.items).toHaveLength(4);
    expect(await end("SIGTERM")).toBe(0);
  });
});
