/** The table is written again only from what is observed, where nobody knows what was carried out. */
import { expect, it } from "vitest";
import { FakeNftables } from "../../../../src/kernel/fake/nftables.ts";
import { NftablesTable } from "../../../../src/proxy/apply/nftables.ts";
import { FaultyNftables } from "../../../fixtures/faulty_nftables.ts";
import { endpoints, rulesetOf, servicePort, wanted } from "../../../fixtures/proxied.ts";

it("a transaction whose answer was lost is not carried out twice", async () => {
  const kernel = new FakeNftables();
  const outcomes: string[] = [];
  // Fails behind the transaction, then in every listing, then no more.
  const random = { int: () => 0, oneIn: () => true, pick: <T>(from: readonly T[]): T => from.at(-1)! };
  const faulty = new FaultyNftables(kernel, random);
  const ruleset = rulesetOf();
  const table = new NftablesTable(faulty.whole, ruleset);
  await table.repair();
  ruleset.set("a", wanted(servicePort(1), endpoints(3)));
  faulty.oneIn = 1;
  await table.sync().catch((error: unknown) => outcomes.push((error as { code: string }).code));
  faulty.oneIn = 0;
  expect(outcomes).toEqual(["NETLINK_INTERRUPTED"]);
  await table.sync();
  expect(await table.repair()).toBe(0);
});
