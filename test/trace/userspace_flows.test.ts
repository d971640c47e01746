/** The flow table through the tracer: over the table that leads to the relay, and over what the relay is told. */
import { beforeAll, describe, expect, it } from "vitest";
import { FakeNftables } from "../../src/kernel/fake/nftables.ts";
import { FakeRelay } from "../../src/kernel/fake/relay.ts";
import type { NftTable } from "../../src/kernel/netlink/nftables/state.ts";
import type { IpFamily, Protocol } from "../../src/model/service.ts";
import { tracePacket } from "../../src/observe/trace/nftables.ts";
import { traceUserspace } from "../../src/observe/trace/userspace.ts";
import { relayListeners, userspaceRules } from "../../src/proxy/agent/userspace_mode.ts";
import { deriveService } from "../../src/proxy/derive/derive.ts";
import { tableOf } from "../../src/proxy/modes/nftables/plan.ts";
import { flowDeriveOptions, userspaceFlowOptions } from "../fixtures/flow_options.ts";
import { expectedText, serviceOf, sliceOf, type Scenario } from "./flows.ts";
import { scenarios } from "./scenarios.ts";
import { expectOutcomes, nodeFacts, packetOf } from "./trace_flow.ts";
import { userspaceExpectedOf } from "./userspace_rows.ts";

const families = ["IPv4", "IPv6"] as const;
const relayMark = 1 << 13;

async function programmed(scenario: Scenario, family: IpFamily, protocol: Protocol) {
  const nftables = new FakeNftables();
  const relay = new FakeRelay(relayListeners(families));
  const { ruleset, kernel } = userspaceRules({ nftables, relay, relayMark }, userspaceFlowOptions(family, scenario));
  const [service, slice] = [serviceOf(scenario, family, protocol), sliceOf(scenario, family, protocol)];
  const derived = deriveService(service, [slice], family, flowDeriveOptions(family, scenario));
  for (const [name, wanted] of derived) ruleset.set(name, wanted);
  await kernel.repair();
  const table = (await nftables.list(tableOf({ family })))!;
  return { table, relay };
}

for (const family of families) {
  for (const scenario of scenarios) {
    for (const protocol of ["TCP", "UDP"] as const) {
      describe(`${scenario.name}, ${family}, ${protocol}`, () => {
        let state: { readonly table: NftTable; readonly relay: FakeRelay };
        beforeAll(async () => {
          state = await programmed(scenario, family, protocol);
        });
        for (const flow of scenario.flows) {
          const expected = { ...flow, expect: userspaceExpectedOf(flow) };
          it(`${flow.from} to the ${flow.to}: ${expectedText(expected.expect)}`, () => {
            const packet = packetOf(flow, family, protocol);
            expectOutcomes(traceUserspace(state.table, state.relay, packet, nodeFacts(family)), expected, family);
          });
        }
      });
    }
  }
}

const balanced = scenarios.find(({ flows }) => flows.some((flow) => flow.to === "cluster IP"))!;
const toClusterIp = { from: "one", to: "cluster IP", expect: "refused" } as const;

it("refuses SCTP, which the relay does not speak", async () => {
  const { table, relay } = await programmed(balanced, "IPv4", "SCTP");
  const packet = packetOf(toClusterIp, "IPv4", "SCTP");
  expectOutcomes(traceUserspace(table, relay, packet, nodeFacts("IPv4")), toClusterIp, "IPv4");
  expect(relay.keys).toEqual([]);
});

it("leaves the relay's own packets alone, or it would relay to itself", async () => {
  const { table } = await programmed(balanced, "IPv4", "TCP");
  const packet = { ...packetOf({ ...toClusterIp, from: "node" }, "IPv4", "TCP"), mark: relayMark };
  expect(tracePacket(table, packet, nodeFacts("IPv4"))).toMatchObject([{ verdict: "accepted", translated: false }]);
});
