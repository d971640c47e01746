/** The flow table with real packets through what the nftables mode programs. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { tableOf } from "../../../src/proxy/modes/nftables/plan.ts";
import { checkFlow } from "../../fixtures/check_flow.ts";
import { families } from "../../fixtures/node_network.ts";
import { ProxiedNetwork } from "../../fixtures/proxied_network.ts";
import { expectedText } from "../../trace/flows.ts";
import { scenarios } from "../../trace/scenarios.ts";
import { expectTrace } from "../../trace/trace_flow.ts";

let proxied: ProxiedNetwork;
beforeAll(async () => {
  proxied = await ProxiedNetwork.start();
});
afterAll(() => proxied?.stop());

for (const family of families) {
  for (const scenario of scenarios) {
    for (const protocol of scenario.protocols ?? (["TCP"] as const)) {
      describe(`${scenario.name}, ${family}, ${protocol}`, () => {
        beforeAll(() => proxied.program(scenario, family, protocol));
        for (const flow of scenario.flows) {
          it(`${flow.from} to the ${flow.to}: ${expectedText(flow.expect)}`, () =>
            checkFlow(proxied, flow, family, protocol));
        }
        it("is traced alike over what the kernel lists", async () => {
          const table = await proxied.port.list(tableOf({ family }));
          for (const flow of scenario.flows) expectTrace(table!, flow, family, protocol);
        });
      });
    }
  }
}
