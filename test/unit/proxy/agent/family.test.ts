/** One family's table: what is asked for while it is being written, and what the kernel has counted. */
import { expect, it } from "vitest";
import { FakeNftables } from "../../../../src/kernel/fake/nftables.ts";
import { FamilyProxy } from "../../../../src/proxy/agent/family.ts";
import { deriveService } from "../../../../src/proxy/derive/derive.ts";
import { nftablesRules } from "../../../../src/proxy/agent/nftables_mode.ts";
import { ignoreProblems } from "../../../../src/proxy/derive/problems.ts";
import { tableOf } from "../../../../src/proxy/modes/nftables/plan.ts";
import { flowDeriveOptions, flowOptions } from "../../../fixtures/flow_options.ts";
import { service } from "../../../fixtures/service_objects.ts";

function familyOn(port: FakeNftables): FamilyProxy {
  const family = new FamilyProxy(nftablesRules(port, flowOptions("IPv4")));
  const spec = { clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"] };
  family.set("ns/a", deriveService(service("a", spec), [], "IPv4", flowDeriveOptions("IPv4", {})), ignoreProblems);
  return family;
}

it("repairs what was lost while it was writing", async () => {
  const port = new FakeNftables();
  const family = familyOn(port);
  const writing = family.sync();
  family.repairNext();
  expect((await writing).repaired).toBe(true);
  const table = tableOf({ family: "IPv4" });
  await port.transact([{ step: "delete table", table }]);
  expect((await family.sync()).repaired).toBe(true);
  expect(await port.list(table)).toBeDefined();
  expect((await family.sync()).repaired).toBe(false);
});

it("counts nothing before there is a table, then every frontend", async () => {
  const family = familyOn(new FakeNftables());
  await family.adopt();
  expect(await family.counts()).toEqual([]);
  await family.sync();
  expect(await family.counts()).toEqual([
    {
      service: "ns/a:http",
      family: "IPv4",
      protocol: "TCP",
      address: "10.96.0.1",
      port: 80,
      packets: 0n,
      bytes: 0n,
    },
  ]);
});
