/** The table in a real kernel: nothing is written that is right, and what others broke comes back. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import { NftablesTable } from "../../../src/proxy/apply/nftables.ts";
import type { Ruleset } from "../../../src/proxy/modes/nftables/ruleset.ts";
import type { IpAddress } from "../../../src/model/address.ts";
import { run, useNamespace } from "../../fixtures/namespace.ts";
import { endpoint, endpoints, rulesetOf, servicePort, wanted } from "../../fixtures/proxied.ts";

const namespace = useNamespace();
let port: RealNftables;
beforeEach(async () => {
  port = await RealNftables.open(namespace());
});
afterEach(() => port.close());

/** Services of every kind. */
function fill(ruleset: Ruleset): void {
  for (let i = 0; i < 20; i++) ruleset.set(`plain-${i}`, wanted(servicePort(i), endpoints(1 + (i % 5), i * 8)));
  const external = {
    nodePort: 30_001,
    externalIps: ["198.51.100.1" as IpAddress],
    loadBalancerIps: ["198.51.100.2" as IpAddress],
    sourceRanges: ["192.0.2.0/25", "203.0.113.7/32"],
  };
  const backends = [endpoint("10.244.1.11"), ...endpoints(3, 400)];
  ruleset.set("cluster", wanted(servicePort(100, external), backends));
  const local = { ...external, nodePort: 30_002, externalIps: [], loadBalancerIps: ["198.51.100.3" as IpAddress] };
  ruleset.set("local", wanted(servicePort(101, { ...local, externalLocal: true, affinitySeconds: 60 }), backends));
  ruleset.set("empty", wanted(servicePort(102, { nodePort: 30_003 }), []));
}

const nft = (...args: readonly string[]): Promise<string> => run(namespace(), ["nft", ...args]);

describe("a table", () => {
  it("that is as it should be is not written again, by a new process neither", async () => {
    const ruleset = rulesetOf();
    fill(ruleset);
    const table = new NftablesTable(port, ruleset);
    expect(await table.repair()).toBeGreaterThan(0);
    expect(await table.repair()).toBe(0);
    expect(await table.sync()).toBe(0);
    // A change that moves backends, so that their places are not the ones of a first rendering.
    ruleset.set("plain-4", wanted(servicePort(4), endpoints(4, 33)));
    await table.sync();
    const restarted = rulesetOf();
    const again = new NftablesTable(port, restarted);
    await again.adopt();
    fill(restarted);
    restarted.set("plain-4", wanted(servicePort(4), endpoints(4, 33)));
    expect(await again.repair()).toBe(0);
  });

  for (const [what, command] of [
    ["a rule", ["flush", "chain", "ip", "fairlead", "prerouting"]],
    ["a set's elements", ["flush", "set", "ip", "fairlead", "hairpins"]],
    ["a map's elements", ["flush", "map", "ip", "fairlead", "frontends"]],
    ["everything", ["delete", "table", "ip", "fairlead"]],
  ] as const) {
    it(`gets back what somebody took from it: ${what}`, async () => {
      const ruleset = rulesetOf();
      fill(ruleset);
      const table = new NftablesTable(port, ruleset);
      await table.repair();
      const before = await nft("list", "table", "ip", "fairlead");
      await nft(...command);
      expect(await table.repair()).toBeGreaterThan(0);
      expect(sorted(await nft("list", "table", "ip", "fairlead"))).toEqual(sorted(before));
    });
  }

  it("is repaired where the kernel refuses a change", async () => {
    const ruleset = rulesetOf();
    fill(ruleset);
    const table = new NftablesTable(port, ruleset);
    await table.repair();
    await nft("flush", "map", "ip", "fairlead", "endpoints");
    // Deletes elements that are gone: the kernel refuses, and the whole is put right.
    ruleset.set("plain-3", undefined);
    expect(await table.sync()).toBeGreaterThan(0);
    expect(await table.repair()).toBe(0);
  });

  it("loses what nobody wants", async () => {
    const ruleset = rulesetOf();
    fill(ruleset);
    await new NftablesTable(port, ruleset).repair();
    const few = rulesetOf();
    few.set("plain-1", wanted(servicePort(1), endpoints(2, 8)));
    const table = new NftablesTable(port, few);
    await table.repair();
    expect(await table.repair()).toBe(0);
    const listing = await nft("list", "table", "ip", "fairlead");
    expect(listing.match(/goto cluster-\d+/g)).toEqual(["goto cluster-2"]);
  });

  it("is made anew where it is of another shape", async () => {
    await nft("add table ip fairlead; add set ip fairlead frontends { type ipv4_addr; }");
    const ruleset = rulesetOf();
    fill(ruleset);
    const table = new NftablesTable(port, ruleset);
    await table.repair();
    expect(await table.repair()).toBe(0);
  });

  it("leaves nothing behind, and other tables alone", async () => {
    await nft("add table ip theirs");
    const ruleset = rulesetOf();
    fill(ruleset);
    const table = new NftablesTable(port, ruleset);
    await table.repair();
    await table.remove();
    expect((await nft("list", "ruleset")).trim()).toBe("table ip theirs {\n}");
  });
});

/** The kernel lists elements in no order, and counters count. */
function sorted(listing: string): readonly string[] {
  return listing
    .split(/[\n,]/)
    .map((line) => line.replace(/counter packets \d+ bytes \d+/, "counter").trim())
    .filter((line) => line !== "")
    .map((line) => line.replace(/^elements = \{ | \}$/g, ""))
    .sort();
}
