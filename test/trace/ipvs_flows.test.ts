/** The flow table through the tracer: over what the ipvs mode programs. */
import { beforeAll, describe, it } from "vitest";
import type { IpFamily, Protocol } from "../../src/model/service.ts";
import { traceIpvs, type IpvsState } from "../../src/observe/trace/ipvs.ts";
import { IpvsServers } from "../../src/proxy/apply/ipvs.ts";
import { deriveService } from "../../src/proxy/derive/derive.ts";
import { Ruleset } from "../../src/proxy/modes/ipvs/ruleset.ts";
import { FakeIpvsPorts, ipvsState } from "../fixtures/fake_ipvs_ports.ts";
import { flowDeriveOptions } from "../fixtures/flow_options.ts";
import { ipvsOptions } from "../fixtures/ipvs_options.ts";
import { expectedText, serviceOf, sliceOf, type Scenario } from "./flows.ts";
import { expectedOf } from "./ipvs_rows.ts";
import { scenarios } from "./scenarios.ts";
import { expectOutcomes, nodeFacts, packetOf } from "./trace_flow.ts";

const families = ["IPv4", "IPv6"] as const;

async function programmed(scenario: Scenario, family: IpFamily, protocol: Protocol): Promise<IpvsState> {
  const ports = await FakeIpvsPorts.create();
  const ruleset = new Ruleset(ipvsOptions(family, scenario));
  const [service, slice] = [serviceOf(scenario, family, protocol), sliceOf(scenario, family, protocol)];
  const derived = deriveService(service, [slice], family, flowDeriveOptions(family, scenario));
  for (const [name, wanted] of derived) ruleset.set(name, wanted);
  await new IpvsServers(ports, ruleset, { now: () => 0 }).repair();
  return ipvsState(ports);
}

for (const family of families) {
  for (const scenario of scenarios) {
    for (const protocol of ["TCP", "UDP", "SCTP"] as const) {
      describe(`${scenario.name}, ${family}, ${protocol}`, () => {
        let state: IpvsState;
        beforeAll(async () => {
          state = await programmed(scenario, family, protocol);
        });
        for (const flow of scenario.flows) {
          const expected = expectedOf(scenario, flow);
          it(`${flow.from} to the ${flow.to}: ${expectedText(expected)}`, () => {
            const outcomes = traceIpvs(state, packetOf(flow, family, protocol), nodeFacts(family));
            expectOutcomes(outcomes, { ...flow, expect: expected }, family);
          });
        }
      });
    }
  }
}
