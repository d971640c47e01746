/** The flow table through the tracer: over what the nftables mode programs, with every number that may be drawn. */
import { beforeAll, describe, it } from "vitest";
import { FakeNftables } from "../../src/kernel/fake/nftables.ts";
import type { NftTable } from "../../src/kernel/netlink/nftables/state.ts";
import type { IpFamily, Protocol } from "../../src/model/service.ts";
import { NftablesTable } from "../../src/proxy/apply/nftables.ts";
import { deriveService } from "../../src/proxy/derive/derive.ts";
import { tableOf } from "../../src/proxy/modes/nftables/plan.ts";
import { Ruleset } from "../../src/proxy/modes/nftables/ruleset.ts";
import { flowDeriveOptions, flowOptions } from "../fixtures/flow_options.ts";
import { expectedText, serviceOf, sliceOf, type Scenario } from "./flows.ts";
import { scenarios } from "./scenarios.ts";
import { expectTrace } from "./trace_flow.ts";

const families = ["IPv4", "IPv6"] as const;

async function programmed(scenario: Scenario, family: IpFamily, protocol: Protocol): Promise<NftTable> {
  const port = new FakeNftables();
  const ruleset = new Ruleset(flowOptions(family, scenario));
  const [service, slice] = [serviceOf(scenario, family, protocol), sliceOf(scenario, family, protocol)];
  const derived = deriveService(service, [slice], family, flowDeriveOptions(family, scenario));
  for (const [name, wanted] of derived) ruleset.set(name, wanted);
  await new NftablesTable(port, ruleset).repair();
  return (await port.list(tableOf({ family })))!;
}

for (const family of families) {
  for (const scenario of scenarios) {
    for (const protocol of ["TCP", "UDP", "SCTP"] as const) {
      describe(`${scenario.name}, ${family}, ${protocol}`, () => {
        let table: NftTable;
        beforeAll(async () => {
          table = await programmed(scenario, family, protocol);
        });
        for (const flow of scenario.flows) {
          it(`${flow.from} to the ${flow.to}: ${expectedText(flow.expect)}`, () => {
            expectTrace(table, flow, family, protocol);
          });
        }
      });
    }
  }
}
