/** What every NftablesPort does. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NftElement } from "../../src/kernel/netlink/nftables/state.ts";
import type { NftChange, NftablesPort } from "../../src/kernel/ports.ts";
import { eventually } from "../fixtures/eventually.ts";
import { cases } from "./nftables/cases/index.ts";
import {
  addTable,
  address,
  as,
  chain,
  elements,
  hooked,
  jump,
  rule,
  set,
  sets,
  table,
  verdict,
  x,
} from "./nftables/fixtures.ts";
import { listed, normal, outcome } from "./nftables/normal.ts";

export interface NftablesSubject {
  readonly port: NftablesPort;
  close(): Promise<void>;
}

/** @param reference another port, which has to list the same after each case */
export function describeNftables(
  kind: string,
  open: () => Promise<NftablesSubject>,
  reference?: () => NftablesPort,
): void {
  describe(`NftablesPort, ${kind}`, () => {
    let subject: NftablesSubject;
    let port: NftablesPort;
    beforeEach(async () => {
      subject = await open();
      port = subject.port;
    });
    afterEach(async () => {
      await subject.close();
    });
    describeCases(() => port, reference);
    describeTransactions(() => port);
    describeListing(() => port);
    describeWatch(() => port);
  });
}

function describeCases(current: () => NftablesPort, reference: (() => NftablesPort) | undefined): void {
  describe.each(Object.entries(cases))("%s", (_about, list) => {
    it.each(list)("$name", async ({ given, when, refused }) => {
      const port = current();
      const twin = reference?.();
      await port.transact(given);
      await twin?.transact(given);
      const steps = [...given, ...when];
      const before = await listed(port, steps);
      expect(await outcome(port, when)).toBe(refused ?? "done");
      const after = await listed(port, steps);
      if (refused) expect(after).toEqual(before);
      if (!twin) return;
      await outcome(twin, when);
      expect(await listed(twin, steps)).toEqual(after);
    });
  });
}

function describeTransactions(current: () => NftablesPort): void {
  describe("transactions", () => {
    it("say which step was refused, and why", async () => {
      const steps = [addTable, chain("a"), rule("a", x.saddr, x.isAddress, jump("none"))];
      await expect(current().transact(steps)).rejects.toMatchObject({
        code: "NFTABLES_REFUSED",
        errno: 2,
        subject: "step 3 of 3, add rule ip t a { payload, cmp, immediate }",
      });
      expect(await current().list(table)).toBeUndefined();
    });

    it("blame the rule that closes a circle", async () => {
      const circle = [
        addTable,
        hooked("filter", "input"),
        chain("b"),
        chain("c"),
        rule("b", jump("c")),
        rule("c", jump("b")),
      ];
      await expect(current().transact([...circle, rule("a", jump("b"))])).rejects.toMatchObject({
        errno: 31,
        subject: expect.stringContaining("step 7 of 7"),
      });
    });

    it("let a later step repair what an earlier one broke", async () => {
      const broken = [addTable, hooked("filter", "input"), chain("b"), rule("a", jump("b")), rule("b", jump("b"))];
      await current().transact([...broken, { step: "flush chain", table, name: "b" }]);
    });

    it("refuse a value that does not fit the format before anything is sent", async () => {
      const bad = { step: "add elements", table, set: "s", elements: [{ key: address(1), timeoutMs: -1 }] } as const;
      await expect(current().transact([addTable, bad])).rejects.toMatchObject({ code: "NETLINK_ENCODE" });
      expect(await current().list(table)).toBeUndefined();
    });

    it("of no steps do nothing", async () => {
      const before = await current().generation();
      await current().transact([]);
      expect(await current().generation()).toBe(before);
    });

    it("count when they are carried out, and only then", async () => {
      const before = await current().generation();
      await current().transact([addTable, chain("a")]);
      expect(await current().generation()).toBe(before + 1);
      await outcome(current(), [as(chain("a"), "create chain")]);
      expect(await current().generation()).toBe(before + 1);
    });

    it("take more elements than a message holds", async () => {
      const all = gotos(6000);
      await current().transact([addTable, chain("a"), sets.verdicts, elements("v", ...all)]);
      expect(await current().listElements(table, "v")).toHaveLength(all.length);
      await current().transact([as(elements("v", ...all), "delete elements")]);
      expect(await current().listElements(table, "v")).toEqual([]);
    });
  });
}

function describeListing(current: () => NftablesPort): void {
  describe("listing", () => {
    it("gives handles by which rules are deleted, replaced and found", async () => {
      const port = current();
      const comment = (text: string) => ({ expressions: [x.counter], userdata: { comment: text } });
      await port.transact([
        addTable,
        chain("a"),
        ...["1", "2", "3"].map((text) => ({ step: "add rule", table, chain: "a", rule: comment(text) }) as const),
      ]);
      const [first, second, third] = (await port.list(table))!.chains[0]!.rules.map((one) => one.handle!);
      await port.transact([
        { step: "delete rule", table, chain: "a", handle: second! },
        { step: "replace rule", table, chain: "a", handle: third!, rule: comment("3b") },
        { step: "add rule", table, chain: "a", position: first!, rule: comment("1b") },
        { step: "insert rule", table, chain: "a", position: first!, rule: comment("0") },
        { step: "insert rule", table, chain: "a", rule: comment("first") },
      ]);
      const rules = (await port.list(table))!.chains[0]!.rules;
      expect(rules.map((one) => one.userdata?.comment)).toEqual(["first", "0", "1", "1b", "3b"]);
    });

    it("knows no table that is not there, and no set", async () => {
      expect(await current().list(table)).toBeUndefined();
      const missing = { code: "NETLINK_REFUSED", errno: 2 };
      await expect(current().listElements(table, "s")).rejects.toMatchObject(missing);
      await current().transact([addTable]);
      await expect(current().listElements(table, "s")).rejects.toMatchObject(missing);
    });

    it("returns what can be programmed again and lists the same", async () => {
      const port = current();
      await port.transact([
        addTable,
        chain("a"),
        sets.verdicts,
        set("w", { flags: ["timeout"], timeoutMs: 60_000 }),
        elements("v", verdict("goto", "a")),
        elements("w", { key: address(1) }, { key: address(2), timeoutMs: 30_000, userdata: { comment: "why" } }),
        rule("a", x.saddr, x.isAddress, x.counter, x.accept),
      ]);
      const first = (await port.list(table))!;
      await port.transact([
        { step: "delete table", table },
        { step: "create table", table },
        ...first.chains.map((one) => ({ step: "create chain", table, chain: one }) as const),
        ...first.sets.map((one) => ({ step: "create set", table, set: one }) as const),
        ...first.sets.map(
          (one) => ({ step: "create elements", table, set: one.name, elements: one.elements }) as const,
        ),
        ...first.chains.flatMap((one) =>
          one.rules.map((each) => ({ step: "add rule", table, chain: one.name, rule: each }) as const),
        ),
      ]);
      expect(normal(await port.list(table))).toEqual(normal(first));
    });
  });
}

function describeWatch(current: () => NftablesPort): void {
  describe("watch", () => {
    it("tells each transaction, its tables and its generation", async () => {
      const seen: NftChange[] = [];
      const watch = await current().watch((change) => seen.push(change));
      const other = { family: "inet", name: "other" } as const;
      const ofIpv6 = { family: "ip6", name: "other" } as const;
      const others = [other, ofIpv6].map((one) => ({ step: "add table", table: one }) as const);
      await current().transact([addTable, ...others, chain("a")]);
      await current().transact([rule("a", x.counter)]);
      await eventually("two changes", () => seen.length >= 2);
      watch.close();
      const generation = await current().generation();
      expect(seen).toMatchObject([
        { what: "changed", tables: [table, other, ofIpv6], generation: generation - 1 },
        { what: "changed", tables: [table], generation },
      ]);
    });

    it("tells whose thousands of elements come in one transaction, and what else does", async () => {
      const all = gotos(3000);
      await current().transact([addTable, chain("a"), sets.verdicts]);
      const seen: NftChange[] = [];
      const watch = await current().watch((change) => seen.push(change));
      const other = { family: "ip", name: "other" } as const;
      await current().transact([elements("v", ...all), { step: "add table", table: other }]);
      await current().transact([as(elements("v", ...all), "delete elements")]);
      await eventually("two changes", () => seen.length >= 2);
      watch.close();
      expect(seen).toMatchObject([
        { what: "changed", tables: [table, other] },
        { what: "changed", tables: [table] },
      ]);
    });

    it("tells nothing of what was refused, and nothing once it is closed", async () => {
      const seen: NftChange[] = [];
      const watch = await current().watch((change) => seen.push(change));
      await outcome(current(), [addTable, jumpNowhere]);
      await current().transact([addTable]);
      await eventually("a change", () => seen.length > 0);
      watch.close();
      watch.close();
      await current().transact([chain("a")]);
      expect(seen).toHaveLength(1);
    });
  });
}

/** So many elements of verdicts. */
function gotos(count: number): readonly NftElement[] {
  const keys = Array.from({ length: count }, (_, i) => Uint8Array.of(10, 0, i >> 8, i));
  return keys.map((key) => ({ key, data: { verdict: { code: "goto", chain: "a" } } }));
}

const jumpNowhere = rule("none", x.accept);
