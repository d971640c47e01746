/** The flow table with real packets through what the nftables mode programs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IpFamily } from "../../../src/model/service.ts";
import { tableOf } from "../../../src/proxy/modes/nftables/plan.ts";
import { addresses } from "../../fixtures/addresses.ts";
import { families } from "../../fixtures/node_network.ts";
import type { PeerProtocol } from "../../fixtures/peer.ts";
import { ProxiedNetwork } from "../../fixtures/proxied_network.ts";
import { expectedText, podAddress, type Flow } from "../../trace/flows.ts";
import { scenarios } from "../../trace/scenarios.ts";
import { expectTrace } from "../../trace/trace_flow.ts";

let proxied: ProxiedNetwork;
beforeAll(async () => {
  proxied = await ProxiedNetwork.start();
});
afterAll(() => proxied?.stop());

/** A balanced service reaches each of three backends in so many attempts but for one time in 10^8. */
const attempts = 48;
const silenceMs = 400;

for (const family of families) {
  for (const scenario of scenarios) {
    for (const protocol of scenario.protocols ?? (["TCP"] as const)) {
      describe(`${scenario.name}, ${family}, ${protocol}`, () => {
        beforeAll(() => proxied.program(scenario, family, protocol));
        for (const flow of scenario.flows) {
          it(`${flow.from} to the ${flow.to}: ${expectedText(flow.expect)}`, () => check(flow, family, protocol));
        }
        it("is traced alike over what the kernel lists", async () => {
          const table = await proxied.port.list(tableOf({ family }));
          for (const flow of scenario.flows) expectTrace(table!, flow, family, protocol);
        });
      });
    }
  }
}

async function check({ from, to, expect: expected }: Flow, family: IpFamily, protocol: PeerProtocol): Promise<void> {
  const ask = (timeoutMs?: number) => proxied.ask(from, to, family, protocol, timeoutMs);
  if (expected === "refused") return void expect(await ask()).toEqual({ error: "ECONNREFUSED" });
  if (expected === "dropped") return void expect(await ask(silenceMs)).toEqual({ error: "timeout" });
  if (expected === "left alone") return void expect(await ask(silenceMs)).toHaveProperty("error");
  const seen = new Set<string>();
  const results = await Promise.all(Array.from({ length: attempts }, () => ask()));
  for (const result of results) {
    expect(result).toHaveProperty("answer");
    const [pod, source] = (result as { answer: string }).answer.split(" ");
    seen.add(pod!);
    if (expected.as === "itself") expect(source).toBe(ownAddress(from, family));
    else expect(nodeAddresses(family)).toContain(source);
  }
  expect([...seen].sort()).toEqual([...expected.reaches].sort());
}

function ownAddress(from: Flow["from"], family: IpFamily): string {
  if (from === "client") return addresses[family].client;
  return from === "node" ? addresses[family].node : podAddress(from, family);
}

function nodeAddresses(family: IpFamily): readonly string[] {
  const { gateway, node, nodeInside } = addresses[family];
  return [gateway, node, nodeInside];
}
