/** Debian's containerd gives pod sandboxes their network through the plugin. */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderConflist } from "../../../cni/conflist.ts";
import type { FinishedCall } from "../../../cni/server.ts";
import { installBinary } from "../../../cni/install.ts";
import { openRuntime, type GrpcRuntime } from "../../../src/kubelet/cri/grpc_runtime.ts";
import type { PodSandboxConfig } from "../../../src/kubelet/cri/messages.ts";
import { Abandoned, graceMs } from "../../../src/network/abandoned/abandoned.ts";
import { pluginBinary, startAgent, type TestAgent } from "../../fixtures/cni_plugin.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { startContainerd, type TestContainerd } from "../../fixtures/containerd.ts";
import { run } from "../../fixtures/namespace.ts";
import { PodNode } from "../../fixtures/pod_node.ts";

let node: PodNode;
let agent: TestAgent;
let containerd: TestContainerd;
let runtime: GrpcRuntime;
let folder: string;
const calls: FinishedCall[] = [];
const onCall = (call: FinishedCall) => void calls.push(call);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-cri-"));
  node = await PodNode.start();
  // What a node's packets come from.
  await run(node.namespace, ["ip", "address", "add", "192.0.2.1/32", "dev", "lo"]);
  await run(node.namespace, ["ip", "address", "add", "2001:db8::1/128", "dev", "lo", "nodad"]);
  agent = await startAgent(node.network, { onCall });
  const pluginFolder = path.join(folder, "bin");
  await installBinary(pluginBinary(), pluginFolder);
  symlinkSync("/usr/lib/cni/loopback", path.join(pluginFolder, "loopback"));
  const network = JSON.parse(renderConflist({ plugin: { socket: agent.socketPath } })) as object;
  containerd = await startContainerd({ network, pluginFolder });
  runtime = openRuntime({ endpoint: containerd.endpoint, timeoutMs: 60_000 });
});
afterAll(async () => {
  runtime?.close();
  await containerd?.stop();
  await agent?.stop();
  node?.stop();
  rmSync(folder, { recursive: true });
});

function sandbox(name: string, portMappings: PodSandboxConfig["portMappings"] = []): PodSandboxConfig {
  return {
    metadata: { name, namespace: "shop", uid: `uid-${name}`, attempt: 0 },
    hostname: name,
    logDirectory: path.join(containerd.folder, "logs"),
    labels: {},
    annotations: {},
    portMappings,
    linux: {
      cgroupParent: containerd.cgroupRoot,
      securityContext: { namespaceOptions: { network: "POD", pid: "CONTAINER", ipc: "POD" } },
    },
  };
}

test("sandboxes come with addresses of both families that answer, and go with them", async () => {
  const id = await runtime.runPodSandbox(sandbox("web"));
  const { network } = await runtime.podSandboxStatus(id);
  const [attachment] = node.network.attached();
  expect(attachment).toMatchObject({
    containerId: id,
    ifName: "eth0",
    detail: { pod: { namespace: "shop", name: "web", uid: "uid-web" } },
  });
  const addresses = [network!.ip, ...network!.additionalIps.map(({ ip }) => ip)];
  expect(addresses.map((ip) => ip.includes(":"))).toEqual([false, true]);
  for (const ip of addresses) await run(node.namespace, ["busybox", "ping", "-c1", "-W5", ip]);

  await runtime.stopPodSandbox(id);
  expect(node.network.addressesInUse).toBe(0);
  await runtime.removePodSandbox(id);
  expect(await run(node.namespace, ["ip", "-o", "link", "show", "type", "veth"])).toBe("");
  expect(calls.filter(({ error }) => error)).toEqual([]);
  expect(new Set(calls.map(({ verb }) => verb))).toEqual(new Set(["ADD", "DEL"]));
});

test("ten at one time have addresses of their own", async () => {
  const ids = await Promise.all(Array.from({ length: 10 }, (_, i) => runtime.runPodSandbox(sandbox(`many-${i}`))));
  const statuses = await Promise.all(ids.map((id) => runtime.podSandboxStatus(id)));
  expect(new Set(statuses.map(({ network }) => network!.ip)).size).toBe(10);
  await Promise.all(ids.map((id) => runtime.stopPodSandbox(id)));
  expect(node.network.addressesInUse).toBe(0);
  await Promise.all(ids.map((id) => runtime.removePodSandbox(id)));
});

test("a sandbox that it has lost is of nobody after a while, and those that it lists are not", async () => {
  const clock = new FakeClock();
  const released: string[] = [];
  const errors: unknown[] = [];
  const abandoned = new Abandoned({
    attached: () => node.network.attached(),
    links: () => node.ports.routing.links({ kind: "veth" }),
    sandboxes: async () => (await runtime.listPodSandboxes()).map(({ id }) => id),
    release: (attachment) => node.network.release(attachment),
    inTurn: (containerId, work) => agent.server.inTurn(containerId, work),
    onReleased: ({ containerId }) => released.push(containerId),
    onError: (error) => errors.push(error),
    clock,
  });
  const id = await runtime.runPodSandbox(sandbox("kept"));
  // As of a sandbox whose runtime was killed before it wrote it down.
  const lost = await node.add({ containerId: "lost", args: new Map([["K8S_POD_NAME", "lost"]]) });
  abandoned.start();
  for (let passedMs = 0; passedMs <= graceMs; passedMs += 60_000) {
    await eventually("the next look", () => clock.waiting > 0);
    clock.advance(60_000);
  }
  await eventually("its end", () => released.length > 0 || errors.length > 0);
  await eventually("the next look", () => clock.waiting > 0);
  await abandoned.stop();
  expect([released, errors]).toEqual([[lost.request.containerId], []]);
  expect(node.network.attached().map(({ containerId }) => containerId)).toEqual([id]);
  await runtime.stopPodSandbox(id);
  await runtime.removePodSandbox(id);
});

test("without the agent no sandbox comes, none is forgotten, and all is well when it is back", async () => {
  const id = await runtime.runPodSandbox(sandbox("lasting"));
  await agent.server.stop();
  await expect(runtime.runPodSandbox(sandbox("early"))).rejects.toThrow(/node agent does not listen/);
  await expect(runtime.stopPodSandbox(id)).rejects.toThrow(/node agent does not listen/);
  expect(node.network.addressesInUse).toBe(2);

  const heir = await startAgent(node.network, { socketPath: agent.socketPath });
  try {
    await runtime.stopPodSandbox(id);
    await runtime.removePodSandbox(id);
    // What failed was kept by the runtime, or rolled back: either way nothing of it stays.
    for (const { id: left } of await runtime.listPodSandboxes()) await runtime.removePodSandbox(left);
    expect(node.network.addressesInUse).toBe(0);
  } finally {
    await heir.stop();
  }
});
