/** Pods of two nodes, with the fast path at their links and at the tunnel. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestControlPlane, type TestControlPlane } from "../../fixtures/control_plane.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { openFastPath, type OpenFastPath } from "../../fixtures/fast_path.ts";
import { run } from "../../fixtures/namespace.ts";
import { families } from "../../fixtures/node_network.ts";
import type { PeerCommand } from "../../fixtures/peer.ts";
import { OverlayCluster, port, type ClusterPod } from "../../fixtures/overlay_cluster.ts";

const timeoutMs = 8000;
const bulk = "x".repeat(300_000);

let plane: TestControlPlane;
let cluster: OverlayCluster;
let pods: ClusterPod[];
const fast: OpenFastPath[] = [];
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [] });
  cluster = await OverlayCluster.open(plane.client, "vxlan", 2);
  await cluster.startAll();
  pods = [await cluster.node(1).addPod("pod-1"), await cluster.node(2).addPod("pod-2")];
  for (const { host, network } of cluster.nodes) fast.push(await openFastPath({ namespace: host.namespace, network }));
  for (const one of fast) await one.sync();
});
afterAll(async () => {
  for (const one of fast) await one.close();
  await cluster?.stop();
  await plane?.stop();
});

async function ask({ host }: ClusterPod, command: PeerCommand): Promise<string> {
  const said = await host.command(command);
  if ("error" in said) throw new Error(said.error);
  return said.answer;
}

const say = (connection: string, text: string) => ask(pods[0]!, { do: "say", connection, text, timeoutMs });

/** Packets that went past each node's stack meanwhile. */
async function packetsOf(act: () => Promise<unknown>): Promise<readonly number[]> {
  const before = await Promise.all(fast.map(({ path }) => path.packets()));
  await act();
  const after = await Promise.all(fast.map(({ path }) => path.packets()));
  return after.map((count, i) => count - before[i]!);
}

it.each(families)("a connection goes past the stacks of both nodes, both ways, whole, %s", async (family) => {
  const address = pods[1]!.ip[family];
  await ask(pods[1]!, { do: "serve", address, port });
  const connection = await ask(pods[0]!, { do: "connect", address, port, timeoutMs });
  await say(connection, "hello");
  const counts = await packetsOf(async () => {
    for (let i = 0; i < 10; i++) expect(await say(connection, `hello ${i}`)).toBe(`hello ${i}`);
  });
  for (const count of counts) expect(count).toBeGreaterThanOrEqual(20);
  expect(await say(connection, bulk)).toBe(bulk);
  await ask(pods[0]!, { do: "close", connection });
});

it("what carries the tunnel is not tracked, and what a program sends to its port is", async () => {
  const { namespace } = cluster.node(1).host;
  const udp = async (): Promise<string> => run(namespace, ["conntrack", "-L", "-p", "udp", "--orig-port-dst", "8472"]);
  const udp6 = ["conntrack", "-L", "-f", "ipv6", "-p", "udp", "--orig-port-dst", "8472"] as const;
  for (const { host } of cluster.nodes) expect(await run(host.namespace, [...udp6])).toBe("");
  expect(await udp()).toBe("");
  const ask = { do: "ask", protocol: "UDP", address: "172.18.0.2", port: 8472, timeoutMs: 200 } as const;
  await cluster.node(1).host.command(ask);
  expect(await udp()).toMatch(/src=172\.18\.0\.1 dst=172\.18\.0\.2 .*dport=8472/);
});

it("a tunnel that is made anew is taken in again, and the connection waits for it", async () => {
  const address = pods[1]!.ip.IPv4;
  const connection = await ask(pods[0]!, { do: "connect", address, port, timeoutMs });
  await say(connection, "hello");
  const { host } = cluster.node(1);
  await host.ip("link del fairlead.1");
  const routes = () => run(host.namespace, ["ip", "route", "show", "dev", "fairlead.1"]).catch(() => "");
  await eventually("the route to the other node", async () => (await routes()).includes("10.244.2.0/24"));
  expect(await say(connection, "hello")).toBe("hello");
  await fast[0]!.sync();
  const [count] = await packetsOf(() => say(connection, "hello"));
  expect(count).toBeGreaterThanOrEqual(2);
  await ask(pods[0]!, { do: "close", connection });
});
