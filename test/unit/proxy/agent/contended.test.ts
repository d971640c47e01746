/** Two Services that want one frontend: one has it, and the other's owner is told. */
import { expect, it } from "vitest";
import { FakeNftables } from "../../../../src/kernel/fake/nftables.ts";
import { FamilyProxy } from "../../../../src/proxy/agent/family.ts";
import { deriveService, type WantedPort } from "../../../../src/proxy/derive/derive.ts";
import { nftablesRules } from "../../../../src/proxy/agent/nftables_mode.ts";
import type { Problem } from "../../../../src/proxy/derive/problems.ts";
import { flowDeriveOptions, flowOptions } from "../../../fixtures/flow_options.ts";
import { service } from "../../../fixtures/service_objects.ts";

it("says whom a frontend is served for, to the other alone", () => {
  const family = new FamilyProxy(nftablesRules(new FakeNftables(), flowOptions("IPv4")));
  const problems: Problem[] = [];
  const set = (name: string, clusterIP: string): void => {
    const spec = { clusterIP, clusterIPs: [clusterIP], externalIPs: ["198.51.100.1"] };
    const options = flowDeriveOptions("IPv4", {});
    family.set(`ns/${name}`, deriveService(service(name, spec), [], "IPv4", options), (problem) =>
      problems.push(problem),
    );
  };
  set("a", "10.96.0.1");
  expect(problems).toEqual([]);
  set("b", "10.96.0.2");
  expect(problems).toEqual([
    {
      reason: "FrontendTaken",
      field: "198.51.100.1 80/TCP",
      message: "198.51.100.1 80/TCP of ns/b:http/TCP is served for ns/a:http/TCP, which has it too",
    },
  ]);
  set("a", "10.96.0.1");
  expect(problems).toHaveLength(1);
});

it("says which others are to be told when one comes that takes a frontend, and when it goes", () => {
  const family = new FamilyProxy(nftablesRules(new FakeNftables(), flowOptions("IPv4")));
  const problems: Problem[] = [];
  const set = (name: string, externalIPs: readonly string[] | undefined): readonly string[] => {
    problems.length = 0;
    const options = flowDeriveOptions("IPv4", {});
    const clusterIP = `10.96.0.${name.charCodeAt(0)}`;
    const object = externalIPs && service(name, { clusterIP, clusterIPs: [clusterIP], externalIPs });
    const wanted = object ? deriveService(object, [], "IPv4", options) : new Map<string, WantedPort>();
    return family.set(`ns/${name}`, wanted, (problem) => problems.push(problem));
  };
  const shared = ["198.51.100.1"];
  expect(set("b", shared)).toEqual([]);
  // It comes before "b" by its name, as "c" does not.
  expect(set("a", shared)).toEqual(["ns/b"]);
  expect(set("c", shared)).toEqual([]);
  expect(problems).toHaveLength(1);
  expect(set("b", shared)).toEqual([]);
  expect(problems).toMatchObject([{ reason: "FrontendTaken", field: "198.51.100.1 80/TCP" }]);
  expect(set("a", undefined)).toEqual(["ns/b", "ns/c"]);
  expect(set("b", shared)).toEqual([]);
  expect(problems).toEqual([]);
});
