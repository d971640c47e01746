/** The flow table with real packets through what the iptables mode programs. */
import { afterAll, beforeAll, it } from "vitest";
import { traceIptables } from "../../../src/observe/trace/iptables.ts";
import { checkFlow } from "../../fixtures/check_flow.ts";
import { IptablesNetwork } from "../../fixtures/iptables_network.ts";
import { families } from "../../fixtures/node_network.ts";
import { expectedText } from "../../trace/flows.ts";
import { expectedOf } from "../../trace/iptables_rows.ts";
import { scenarios } from "../../trace/scenarios.ts";
import { expectOutcomes, nodeFacts, packetOf } from "../../trace/trace_flow.ts";

let proxied: IptablesNetwork;
beforeAll(async () => {
  proxied = await IptablesNetwork.start("nft");
});
afterAll(() => proxied?.stop());

for (const family of families) {
  for (const scenario of scenarios) {
    const flows = scenario.flows.map((flow) => ({ ...flow, expect: expectedOf(scenario, flow) }));
    for (const protocol of scenario.protocols ?? (["TCP"] as const)) {
      const says = flows.map(({ from, to, expect: expected }) => `${from} to the ${to}: ${expectedText(expected)}`);
      it(`${scenario.name}, ${family}, ${protocol}: ${says.join("; ")}`, async () => {
        await proxied.program(scenario, family, protocol);
        // Together: a packet that nobody answers is waited for.
        await Promise.all(flows.map((flow) => checkFlow(proxied, flow, family, protocol)));
        const tables = await proxied.tables(family);
        for (const flow of flows) {
          expectOutcomes(traceIptables(tables, packetOf(flow, family, protocol), nodeFacts(family)), flow, family);
        }
      });
    }
  }
}
