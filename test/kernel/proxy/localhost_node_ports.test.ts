/** Node ports at 127.0.0.1 and ::1, with real packets: by a relay beside a mode, and by the userspace mode's own. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RelayPort } from "../../../src/kernel/ports.ts";
import { openRelay } from "../../../src/kernel/real/relay.ts";
import { openSysctl } from "../../../src/kernel/real/sysctl.ts";
import type { IpFamily } from "../../../src/model/service.ts";
import type { FamilyRules } from "../../../src/proxy/agent/mode.ts";
import { nftablesRules } from "../../../src/proxy/agent/nftables_mode.ts";
import { localhostRules } from "../../../src/proxy/apply/localhost.ts";
import { deriveService } from "../../../src/proxy/derive/derive.ts";
import { loopback } from "../../../src/proxy/modes/userspace/localhost.ts";
import { addresses } from "../../fixtures/addresses.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { flowDeriveOptions, flowOptions } from "../../fixtures/flow_options.ts";
import { families } from "../../fixtures/node_network.ts";
import type { PeerProtocol } from "../../fixtures/peer.ts";
import { ProxiedNetwork, type PeeredNetwork } from "../../fixtures/proxied_network.ts";
import { UserspaceNetwork } from "../../fixtures/userspace_network.ts";
import { nodePort, serviceOf, sliceOf, type Scenario } from "../../trace/flows.ts";

const scenario: Scenario = { name: "a node port", exposed: true, endpoints: [{ pod: "one" }], flows: [] };
/** The pod of another node is none that policy Local leads clients outside to. */
const local: Scenario = {
  ...scenario,
  spec: { externalTrafficPolicy: "Local" },
  endpoints: [{ pod: "other" }],
};
const none: Scenario = { ...scenario, endpoints: [] };

function ask({ network }: PeeredNetwork, family: IpFamily, protocol: PeerProtocol, timeoutMs = 20_000) {
  const to = { address: loopback[family], port: nodePort };
  return network.hosts.node.command({ do: "ask", protocol, ...to, timeoutMs });
}

/** Of this node, as the pods see it: never its loopback, to which they have no way back. */
function nodeAddresses(family: IpFamily): readonly string[] {
  const { gateway, node, nodeInside } = addresses[family];
  return [gateway, node, nodeInside];
}

async function expectReached(proxied: PeeredNetwork, pod: string, family: IpFamily, protocol: PeerProtocol) {
  const answer = await ask(proxied, family, protocol);
  expect(answer).toHaveProperty("answer");
  const [reached, source] = (answer as { answer: string }).answer.split(" ");
  expect(reached).toBe(pod);
  expect(nodeAddresses(family)).toContain(source);
}

async function expectNoLocalnet({ network }: PeeredNetwork) {
  const sysctl = openSysctl({ namespace: network.hosts.node.namespace });
  expect(await sysctl.read("net/ipv4/conf/all/route_localnet")).toBe("0");
}

describe("by a relay beside the nftables mode", () => {
  let proxied: ProxiedNetwork;
  let relay: RelayPort;
  let rules: Readonly<Record<IpFamily, FamilyRules>>;
  beforeAll(async () => {
    proxied = await ProxiedNetwork.start();
    const { namespace } = proxied.network.hosts.node;
    relay = await openRelay({ namespace, workers: 1, mark: 0, idleMs: 60_000, halfClosedMs: 60_000, listeners: [] });
    const of = (family: IpFamily) =>
      localhostRules(nftablesRules(proxied.port, flowOptions(family)), relay, (_, error) => {
        throw error;
      });
    rules = { IPv4: of("IPv4"), IPv6: of("IPv6") };
  });
  afterAll(async () => {
    await relay?.close();
    await proxied?.stop();
  });

  async function program(of: Scenario | undefined, family: IpFamily, protocol: PeerProtocol): Promise<void> {
    const { ruleset, kernel } = rules[family];
    const derived =
      of &&
      deriveService(
        serviceOf(of, family, protocol),
        [sliceOf(of, family, protocol)],
        family,
        flowDeriveOptions(family, of),
      );
    for (const name of ["default/web/TCP", "default/web/UDP"]) ruleset.set(name, derived?.get(name));
    await kernel.repair();
  }

  for (const family of families) {
    for (const protocol of ["TCP", "UDP"] as const) {
      it(`${family}, ${protocol}`, async () => {
        await program(scenario, family, protocol);
        await expectReached(proxied, "one", family, protocol);
        await program(local, family, protocol);
        await expectReached(proxied, "other", family, protocol);
        const counted = (await rules[family].kernel.counts()).find(({ address }) => address === undefined)!;
        expect(counted.relayed).toMatchObject({ connections: 2n, refused: 0n });
        for (const gone of [none, undefined]) {
          await program(scenario, family, protocol);
          await program(gone, family, protocol);
          // Threads of the relay hear of it a moment later.
          await eventually("a port that is left", async () => {
            const answer = await ask(proxied, family, protocol, 500);
            return "error" in answer && answer.error === "ECONNREFUSED";
          });
        }
        await expectNoLocalnet(proxied);
      });
    }
  }
});

describe("by the userspace mode", () => {
  let proxied: UserspaceNetwork;
  beforeAll(async () => {
    proxied = await UserspaceNetwork.start();
  });
  afterAll(() => proxied?.stop());

  for (const family of families) {
    for (const protocol of ["TCP", "UDP"] as const) {
      it(`${family}, ${protocol}`, async () => {
        await proxied.program(scenario, family, protocol);
        expect(await ask(proxied, family, protocol)).toEqual({ error: "ECONNREFUSED" });
        const { ruleset, kernel } = proxied.rules[family];
        const { nodePortAddresses } = ruleset.options;
        ruleset.configure({ ...ruleset.options, nodePortAddresses: [...nodePortAddresses, loopback[family]] });
        await kernel.sync();
        await expectReached(proxied, "one", family, protocol);
        await expectNoLocalnet(proxied);
      });
    }
  }
});
