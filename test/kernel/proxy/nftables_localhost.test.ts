/** Node ports at 127.0.0.1, with real packets: served where "localhost" asks for them, and left alone otherwise. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openSysctl } from "../../../src/kernel/real/sysctl.ts";
import { parseIp } from "../../../src/model/address.ts";
import { allowLocalhostNodePorts } from "../../../src/proxy/conntrack/apply_settings.ts";
import { ProxiedNetwork } from "../../fixtures/proxied_network.ts";
import type { PeerAnswer } from "../../fixtures/peer.ts";
import { nodePort, type Scenario } from "../../trace/flows.ts";

const scenario: Scenario = { name: "a node port", exposed: true, endpoints: [{ pod: "one" }], flows: [] };
let proxied: ProxiedNetwork;
beforeAll(async () => {
  proxied = await ProxiedNetwork.start(["TCP"]);
  await proxied.program(scenario, "IPv4", "TCP");
});
afterAll(() => proxied?.stop());

function ask(): Promise<PeerAnswer> {
  const to = { address: "127.0.0.1", port: nodePort };
  return proxied.network.hosts.node.command({ do: "ask", protocol: "TCP", ...to, timeoutMs: 20_000 });
}

it("is refused by this node where nobody asked for it, and answered where somebody did", async () => {
  expect(await ask()).toEqual({ error: "ECONNREFUSED" });
  const { ruleset, table } = proxied.tables.IPv4;
  ruleset.setNodePortAddresses([...ruleset.options.nodePortAddresses, parseIp("127.0.0.1")!]);
  await allowLocalhostNodePorts(openSysctl({ namespace: proxied.network.hosts.node.namespace }));
  await table.sync();
  const { answer } = (await ask()) as { answer: string };
  const [pod, source] = answer.split(" ");
  expect(pod).toBe("one");
  // The pod has a way back: not to its own loopback.
  expect(source).not.toMatch(/^127\./);
});
