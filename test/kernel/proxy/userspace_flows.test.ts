/** The flow table with real packets through the userspace mode's table and its relay. */
import { afterAll, beforeAll, it } from "vitest";
import { checkFlow } from "../../fixtures/check_flow.ts";
import { families } from "../../fixtures/node_network.ts";
import { UserspaceNetwork } from "../../fixtures/userspace_network.ts";
import { expectedText } from "../../trace/flows.ts";
import { scenarios } from "../../trace/scenarios.ts";
import { userspaceExpectedOf } from "../../trace/userspace_rows.ts";

let proxied: UserspaceNetwork;
beforeAll(async () => {
  proxied = await UserspaceNetwork.start();
});
afterAll(() => proxied?.stop());

for (const family of families) {
  for (const scenario of scenarios) {
    const flows = scenario.flows.map((flow) => ({ ...flow, expect: userspaceExpectedOf(flow) }));
    for (const protocol of scenario.protocols ?? (["TCP"] as const)) {
      const says = flows.map(({ from, to, expect: expected }) => `${from} to the ${to}: ${expectedText(expected)}`);
      it(`${scenario.name}, ${family}, ${protocol}: ${says.join("; ")}`, async () => {
        await proxied.program(scenario, family, protocol);
        await Promise.all(flows.map((flow) => checkFlow(proxied, flow, family, protocol)));
      });
    }
  }
}
