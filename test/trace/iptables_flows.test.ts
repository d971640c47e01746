/** The flow table through the tracer: over what the iptables mode programs, with every number that may be drawn. */
import { beforeAll, describe, it } from "vitest";
import { FakeIptables } from "../../src/kernel/fake/iptables.ts";
import type { IpFamily, Protocol } from "../../src/model/service.ts";
import { traceIptables } from "../../src/observe/trace/iptables.ts";
import { IptablesChains } from "../../src/proxy/apply/iptables.ts";
import { deriveService } from "../../src/proxy/derive/derive.ts";
import { decodeSaved, type ObservedTables } from "../../src/proxy/modes/shared/iptables_saved.ts";
import { Ruleset } from "../../src/proxy/modes/iptables/ruleset.ts";
import { paced } from "../../src/reconcile/pace.ts";
import { flowDeriveOptions } from "../fixtures/flow_options.ts";
import { iptablesOptions } from "../fixtures/iptables_options.ts";
import { expectedText, serviceOf, sliceOf, type Scenario } from "./flows.ts";
import { expectedOf } from "./iptables_rows.ts";
import { scenarios } from "./scenarios.ts";
import { expectOutcomes, nodeFacts, packetOf } from "./trace_flow.ts";

const families = ["IPv4", "IPv6"] as const;

async function programmed(scenario: Scenario, family: IpFamily, protocol: Protocol): Promise<ObservedTables> {
  const port = new FakeIptables();
  const ruleset = new Ruleset(iptablesOptions(family, scenario));
  const [service, slice] = [serviceOf(scenario, family, protocol), sliceOf(scenario, family, protocol)];
  const derived = deriveService(service, [slice], family, flowDeriveOptions(family, scenario));
  for (const [name, wanted] of derived) ruleset.set(name, wanted);
  await new IptablesChains(port, ruleset).repair();
  return paced(decodeSaved(await port.save()));
}

for (const family of families) {
  for (const scenario of scenarios) {
    for (const protocol of ["TCP", "UDP", "SCTP"] as const) {
      describe(`${scenario.name}, ${family}, ${protocol}`, () => {
        let tables: ObservedTables;
        beforeAll(async () => {
          tables = await programmed(scenario, family, protocol);
        });
        for (const flow of scenario.flows) {
          const expected = expectedOf(scenario, flow);
          it(`${flow.from} to the ${flow.to}: ${expectedText(expected)}`, () => {
            const outcomes = traceIptables(tables, packetOf(flow, family, protocol), nodeFacts(family));
            expectOutcomes(outcomes, { ...flow, expect: expected }, family);
          });
        }
      });
    }
  }
}
