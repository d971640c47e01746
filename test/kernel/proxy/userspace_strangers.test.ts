/** The relay's own ports are no way around the table: who comes to one by itself reaches nobody. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addresses } from "../../fixtures/addresses.ts";
import { families } from "../../fixtures/node_network.ts";
import { run } from "../../fixtures/namespace.ts";
import type { PeerProtocol } from "../../fixtures/peer.ts";
import { UserspaceNetwork } from "../../fixtures/userspace_network.ts";
import type { Scenario, Source } from "../../trace/flows.ts";

let proxied: UserspaceNetwork;
beforeAll(async () => {
  proxied = await UserspaceNetwork.start();
});
afterAll(() => proxied?.stop());

const scenario: Scenario = {
  name: "source ranges",
  exposed: true,
  endpoints: [{ pod: "one" }],
  flows: [],
};
const bits = { IPv4: 32, IPv6: 128 } as const;
const sources = ["client", "two", "node"] as const;
const silenceMs = 400;
/** Two workers listen at each. */
const workers = 2;

/** Ports at which all workers listen, as the kernel has them. */
async function relayPorts(family: (typeof families)[number], protocol: PeerProtocol): Promise<readonly number[]> {
  const { namespace } = proxied.network.hosts.node;
  const flags = `-Hln${protocol === "TCP" ? "t" : "u"}${family === "IPv4" ? "4" : "6"}`;
  const stdout = await run(namespace, ["ss", flags]);
  const ports = [...stdout.matchAll(/:(\d+)\s+\S+:\*/g)].map(([, port]) => Number(port));
  return [...new Set(ports)].filter((port) => ports.filter((one) => one === port).length === workers);
}

for (const family of families) {
  for (const protocol of ["TCP", "UDP"] as const) {
    describe(`${family}, ${protocol}`, () => {
      const plan = addresses[family];
      const spec = { loadBalancerSourceRanges: [`${plan.otherNode}/${bits[family]}`] };

      const reach = (from: Source, port: number) =>
        proxied.network.hosts[from].command({ do: "ask", protocol, address: plan.node, port, timeoutMs: silenceMs });

      it("nobody reaches an endpoint by a port of the relay's, and who tries is counted", async () => {
        await proxied.program({ ...scenario, spec }, family, protocol);
        const ports = await relayPorts(family, protocol);
        expect(ports.length).toBeGreaterThan(0);
        const before = (await proxied.relay.counts()).strangers;
        const answers = await Promise.all(ports.flatMap((port) => sources.map((from) => reach(from, port))));
        const error = protocol === "UDP" ? "timeout" : expect.stringMatching(/^ECONN(RESET|REFUSED)$/);
        for (const answer of answers) expect(answer).toEqual({ error });
        const { strangers } = await proxied.relay.counts();
        expect(strangers - before).toBe(BigInt(answers.length));
        expect(await proxied.ask("client", "external IP", family, protocol)).toEqual({ answer: `one ${plan.gateway}` });
        expect(await proxied.ask("client", "load balancer", family, protocol, silenceMs)).toEqual({ error: "timeout" });
      });
    });
  }
}
