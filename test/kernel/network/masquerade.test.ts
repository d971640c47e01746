/** The tables that masquerade, in a real kernel. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import { parseCidr, type Cidr } from "../../../src/model/cidr.ts";
import { deriveMasquerade, type MasqueradeOptions } from "../../../src/network/masquerade/derive.ts";
import { MasqueradeTables, removeMasquerade } from "../../../src/network/masquerade/masquerade.ts";
import { planMasquerade } from "../../../src/network/masquerade/plan.ts";
import { renderMasquerade, tableOf } from "../../../src/network/masquerade/render.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { run, useNamespace } from "../../fixtures/namespace.ts";

const cidr = (text: string): Cidr => parseCidr(text)!;
const options: MasqueradeOptions = {
  enabled: true,
  clusterCidrs: [cidr("10.244.0.0/16"), cidr("fd00:10:244::/48")],
  exclusions: [cidr("192.168.0.0/16")],
};
const ipv4 = deriveMasquerade("IPv4", options, cidr("10.244.1.0/24"), [])!;
const ipv6 = deriveMasquerade("IPv6", options, cidr("fd00:10:244:1::/64"), [])!;

const namespace = useNamespace();
let port: RealNftables;
let tables: MasqueradeTables;
const errors: unknown[] = [];
beforeEach(async () => {
  errors.length = 0;
  port = await RealNftables.open(namespace());
  tables = new MasqueradeTables({ nftables: port, onError: (error) => errors.push(error) });
});
afterEach(async () => {
  await tables.stop();
  port.close();
  expect(errors).toEqual([]);
});

const nft = (...args: readonly string[]): Promise<string> => run(namespace(), ["nft", ...args]);
const done = () => eventually("the tables", () => tables.isDone);

describe("a table that masquerades", () => {
  it("is what nft reads of it", async () => {
    tables.set("IPv4", ipv4);
    tables.set("IPv6", ipv6);
    await done();
    expect((await nft("list", "ruleset")).replaceAll("\t", "  ")).toBe(
      [
        "table ip fairlead-network {",
        "  set inside {",
        "    type ipv4_addr",
        "    flags interval",
        "    elements = { 10.244.0.0/16, 169.254.0.0/16,",
        "           192.168.0.0/16, 224.0.0.0/4 }",
        "  }",
        "",
        "  chain postrouting {",
        "    type nat hook postrouting priority srcnat + 10; policy accept;",
        "    ip saddr 10.244.1.0/24 ip daddr != @inside masquerade fully-random",
        "  }",
        "}",
        "table ip6 fairlead-network {",
        "  set inside {",
        "    type ipv6_addr",
        "    flags interval",
        "    elements = { fd00:10:244::/48,",
        "           fe80::/10,",
        "           ff00::/8 }",
        "  }",
        "",
        "  chain postrouting {",
        "    type nat hook postrouting priority srcnat + 10; policy accept;",
        "    ip6 saddr fd00:10:244:1::/64 ip6 daddr != @inside masquerade fully-random",
        "  }",
        "}",
        "",
      ].join("\n"),
    );
  });

  it.each([ipv4, ipv6])("needs no step once it is there: $family", async (masquerade) => {
    const wanted = renderMasquerade(masquerade);
    await port.transact(planMasquerade(wanted.table, undefined, wanted));
    expect(planMasquerade(wanted.table, await port.list(wanted.table), wanted)).toEqual([]);
  });

  it("takes other ranges in one transaction", async () => {
    tables.set("IPv4", ipv4);
    await done();
    const before = await port.generation();
    tables.set("IPv4", {
      ...ipv4,
      exempt: deriveMasquerade("IPv4", { ...options, clusterCidrs: [] }, ipv4.podCidr, [cidr("10.9.0.0/24")])!.exempt,
    });
    await done();
    expect(await port.generation()).toBe(before + 1);
    expect(await nft("list", "set", "ip", "fairlead-network", "inside")).toContain("10.9.0.0/24");
  });

  it.each([
    ["its rule", ["flush", "chain", "ip", "fairlead-network", "postrouting"]],
    ["its ranges", ["flush", "set", "ip", "fairlead-network", "inside"]],
    ["the whole", ["delete", "table", "ip", "fairlead-network"]],
    ["nothing, but has a rule more", ["add", "rule", "ip", "fairlead-network", "postrouting", "accept"]],
    ["nothing, but has a chain more", ["add", "chain", "ip", "fairlead-network", "other"]],
  ])("gets back what somebody took: %s", async (_, command) => {
    tables.set("IPv4", ipv4);
    await done();
    const before = await nft("list", "ruleset");
    await nft(...command);
    await eventually("the repair", async () => (await nft("list", "ruleset")) === before);
  });

  it("goes where nothing is masqueraded, and touches no other table", async () => {
    await nft("add", "table", "ip", "fairlead");
    tables.set("IPv4", ipv4);
    await done();
    tables.set("IPv4", undefined);
    await done();
    expect(await nft("list", "tables")).toBe("table ip fairlead\n");
    tables.set("IPv4", ipv4);
    await done();
    await tables.stop();
    await removeMasquerade(port);
    expect(await port.list(tableOf("IPv4"))).toBeUndefined();
  });
});
