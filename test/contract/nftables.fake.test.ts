import { expect, it } from "vitest";
import { FakeNftables } from "../../src/kernel/fake/nftables.ts";
import type { NftChange } from "../../src/kernel/ports.ts";
import { describeNftables } from "./nftables.ts";
import { addTable, address, elements, set, table } from "./nftables/fixtures.ts";

describeNftables("fake", () => {
  const port = new FakeNftables();
  return Promise.resolve({ port, close: () => Promise.resolve(port.close()) });
});

it("lets elements expire when time passes", async () => {
  const port = new FakeNftables();
  await port.transact([
    addTable,
    set("w", { flags: ["timeout"], timeoutMs: 1000 }),
    elements("w", { key: address(1) }),
  ]);
  port.advance(400);
  expect(await port.listElements(table, "w")).toMatchObject([{ expirationMs: 600 }]);
  port.advance(600);
  expect(await port.listElements(table, "w")).toEqual([]);
});

it("can lose events", async () => {
  const port = new FakeNftables();
  const seen: NftChange[] = [];
  await port.watch((change) => seen.push(change));
  port.overrun();
  expect(seen).toEqual([{ what: "overrun" }]);
});
