/** The flow table with real packets through what the ipvs mode programs. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { IpvsServers } from "../../src/proxy/apply/ipvs.ts";
import { deriveService } from "../../src/proxy/derive/derive.ts";
import { Ruleset } from "../../src/proxy/modes/ipvs/ruleset.ts";
import { checkFlow } from "../fixtures/check_flow.ts";
import { flowDeriveOptions } from "../fixtures/flow_options.ts";
import { IpvsNetwork } from "../fixtures/ipvs_network.ts";
import { ipvsOptions } from "../fixtures/ipvs_options.ts";
import { families } from "../fixtures/node_network.ts";
import { expectedText, serviceOf, sliceOf, type Scenario } from "../trace/flows.ts";
import { expectedOf } from "../trace/ipvs_rows.ts";
import { scenarios } from "../trace/scenarios.ts";

/** Round robin: in so few each of three backends has its turn, whoever else asks. */
const attempts = 12;

let proxied: IpvsNetwork;
beforeAll(async () => {
  proxied = await IpvsNetwork.start();
}, 120_000);
afterAll(() => proxied?.stop());

for (const family of families) {
  for (const scenario of scenarios) {
    const flows = scenario.flows.map((flow) => ({ ...flow, expect: expectedOf(scenario, flow) }));
    for (const protocol of scenario.protocols ?? (["TCP"] as const)) {
      const says = flows.map(({ from, to, expect: expected }) => `${from} to the ${to}: ${expectedText(expected)}`);
      it(`${scenario.name}, ${family}, ${protocol}: ${says.join("; ")}`, async () => {
        await proxied.program(scenario, family, protocol);
        // One by one: a client's port may be the same on its way to two frontends, and IPVS takes answers of one backend to
        // one port for one connection (ip_vs_conn_out_get).
        for (const flow of flows) await checkFlow(proxied, flow, family, protocol, attempts);
      });
    }
  }

  it(`what a process has left is what the next one wants, ${family}`, async () => {
    const named = (name: string): Scenario => scenarios.find((scenario) => scenario.name === name)!;
    for (const name of ["source ranges guard before policy Local", "pods are told by InterfaceNamePrefix"]) {
      const scenario = named(name);
      await proxied.program(scenario, family, "TCP");
      const ruleset = new Ruleset(ipvsOptions(family, scenario));
      const [service, slice] = [serviceOf(scenario, family, "TCP"), sliceOf(scenario, family, "TCP")];
      const wanted = deriveService(service, [slice], family, flowDeriveOptions(family, scenario));
      for (const [port, of] of wanted) ruleset.set(port, of);
      const servers = new IpvsServers(proxied.families[family].ports, ruleset, { now: () => Date.now() });
      expect([name, await servers.repair()]).toEqual([name, 0]);
    }
  });
}
