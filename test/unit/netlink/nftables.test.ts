import { describe, expect, it } from "vitest";
import fc from "../../fixtures/property.ts";
import { encodeBatch, splitDatagram, type ReceivedMessage } from "../../../src/kernel/netlink/codec/message.ts";
import { renderBatch } from "../../../src/kernel/netlink/nftables/batch.ts";
import { data, concatKey, part, register, registerIndex, verdict } from "../../../src/kernel/netlink/nftables/data.ts";
import { setOf } from "../../../src/kernel/netlink/nftables/datatype.ts";
import { elementBytes, splitElements } from "../../../src/kernel/netlink/nftables/elements.ts";
import { expression, expressions } from "../../../src/kernel/netlink/nftables/expressions/index.ts";
import { be64Number } from "../../../src/kernel/netlink/nftables/fields.ts";
import { listedExpression } from "../../../src/kernel/netlink/nftables/listed.ts";
import { nftCodecs } from "../../../src/kernel/netlink/nftables/message.ts";
import { element } from "../../../src/kernel/netlink/nftables/set.ts";
import type { NftElement } from "../../../src/kernel/netlink/nftables/state.ts";
import { describeStep, type NftStep } from "../../../src/kernel/netlink/nftables/step.ts";
import * as userdata from "../../../src/kernel/netlink/nftables/userdata.ts";
import { batchMessage, nfgenmsg } from "../../../src/kernel/netlink/nfnetlink.ts";
import { valuesOf } from "./arbitrary.ts";
import { decode, describeCodecs, encode } from "./properties.ts";

describeCodecs({
  nfgenmsg,
  batchMessage,
  data,
  verdict,
  expression,
  expressions,
  element,
  ruleUserdata: userdata.ruleUserdata,
  setUserdata: userdata.setUserdata,
  elementUserdata: userdata.elementUserdata,
  ...nftCodecs,
});

describe("numbers of 64 bits", () => {
  it.each([0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1])("%d", (value) => {
    expect(decode(be64Number, encode(be64Number, value))).toBe(value);
  });
  it.each([-1, 0.5, 2 ** 53])("refuses %d", (value) => {
    expect(() => encode(be64Number, value)).toThrow(expect.objectContaining({ code: "NETLINK_ENCODE" }));
  });
});

describe("keys", () => {
  it("pads each part of a concatenation to whole registers", () => {
    const key = concatKey([part.address("10.0.0.1"), part.protocol(6), part.port(443), part.host32(2)]);
    expect(key.toString("hex")).toBe("0a000001" + "06000000" + "01bb0000" + "02000000");
  });
  it("numbers 32-bit registers as the kernel lists them", () => {
    expect([0, 1, 2, 3, 4, 8, 12, 15].map(register)).toEqual([1, 9, 10, 11, 2, 3, 4, 23]);
    expect([0, 1, 4, 15].map((index) => registerIndex(register(index)))).toEqual([0, 1, 4, 15]);
    expect(registerIndex(8)).toBe(0);
  });
});

describe("userdata that nft did not write", () => {
  it.each(["01", "0005", "ff0100", "000161000161", "0102aabb"])("%s is kept as it is", (hex) => {
    const raw = Buffer.from(hex, "hex");
    expect(decode(userdata.ruleUserdata, encode(userdata.ruleUserdata, { raw }).subarray(0, 16 + raw.length))).toEqual({
      raw,
    });
  });
});

/** Bytes as nft 1.0.6 writes them for the same objects (`nft --debug=mnl`). */
describe("golden bytes", () => {
  const table = { family: "ip", name: "t" } as const;
  const layout = setOf(["ipv4_addr", "inet_service"], "verdict");
  const key = concatKey([part.address("10.0.0.1"), part.port(80)]);
  const rule = {
    expressions: [
      { expr: "payload", dreg: 1, base: "network", offset: 16, len: 4 },
      { expr: "lookup", set: "v", sreg: 1, dreg: 0, setId: 1 },
    ],
    userdata: { comment: "x" },
  } as const;
  const { requests } = renderBatch([
    { step: "add table", table },
    { step: "add chain", table, chain: { name: "a", base: { type: "nat", hook: "input", priority: -100 } } },
    { step: "add set", table, set: { name: "v", ...layout, id: 1 } },
    { step: "add elements", table, set: "v", elements: [{ key, data: { verdict: { code: "goto", chain: "a" } } }] },
    { step: "add rule", table, chain: "a", rule },
  ]);
  const messages = splitDatagram(Buffer.from(encodeBatch(requests, 1)));
  const hex = ({ datagram, start, end }: ReceivedMessage): string =>
    Buffer.from(datagram.subarray(start, end)).toString("hex");
  const ip = "02000000";
  const inTable = "0600010074000000";

  it.each([
    ["begin", 0x10, 0, ["0000000a"]],
    ["table", 0x0a00, 0x400, [ip, inTable, "0800020000000000"]],
    [
      "chain",
      0x0a03,
      0x400,
      [ip, inTable, "0600030061000000", "14000480", "0800010000000001", "08000200ffffff9c", "080007006e617400"],
    ],
    [
      "set",
      0x0a09,
      0x400,
      [
        [ip, inTable, "0600020076000000", "0800030000000008", "08000400000001cd", "0800050000000008"],
        ["08000600ffffff00", "0800070000000010", "08000a0000000001", "0a000d00" + "000400000000" + "0000"],
      ].flat(),
    ],
    [
      "elements",
      0x0a0c,
      0x400,
      [
        [ip, inTable, "0600020076000000", "0800040000000001", "30000380", "2c000180"],
        ["10000180", "0c0001000a00000100500000", "18000280", "14000280", "08000100fffffffc", "0600020061000000"],
      ].flat(),
    ],
    [
      "rule",
      0x0a06,
      0xc00,
      [
        [ip, inTable, "0600020061000000", "6c000480"],
        ["34000180", "0c0001007061796c6f616400", "24000280"],
        ["0800010000000001", "0800020000000001", "0800030000000010", "0800040000000004"],
        ["34000180", "0b0001006c6f6f6b75700000", "24000280"],
        ["0600010076000000", "0800020000000001", "0800030000000000", "0800040000000001"],
        ["08000700" + "00027800"],
      ].flat(),
    ],
    ["end", 0x11, 0, ["0000000a"]],
  ])("%s", (name, type, flags, expected) => {
    const index = ["begin", "table", "chain", "set", "elements", "rule", "end"].indexOf(name);
    expect(messages[index]).toMatchObject({ type, flags: flags | 1, sequence: index + 1 });
    expect(hex(messages[index]!)).toBe(expected.join(""));
  });
});

describe("splitting", () => {
  const many = (count: number, chain: string): NftElement[] =>
    Array.from({ length: count }, (_, i) => ({
      key: Uint8Array.of(i >> 24, i >> 16, i >> 8, i),
      data: { verdict: { code: "goto", chain } },
      expressions: [{ expr: "counter" }],
      userdata: { comment: "a comment" },
      timeoutMs: 1000,
    }));

  it("keeps order and loses nothing", () => {
    const elements = many(5000, "fan-out-4");
    const runs = splitElements(elements);
    expect(runs.length).toBeGreaterThan(1);
    expect(runs.flat()).toEqual(elements);
  });

  it("bounds what an element takes from above, and not far above", () => {
    fc.assert(
      fc.property(valuesOf(element), (value) => {
        const bytes = encode(element, value).length - 16 + 4;
        expect(elementBytes(value)).toBeGreaterThanOrEqual(bytes);
        // What is there but empty (a verdict without a code, userdata without a comment) is left out of the message.
        if (!value.expressions) expect(elementBytes(value)).toBeLessThanOrEqual(bytes + 48);
      }),
    );
  });

  it("makes messages that fit, whatever the elements", () => {
    for (const chain of ["a", "a-rather-long-name-of-a-chain", "ü".repeat(60)]) {
      const table = { family: "ip", name: "t" } as const;
      const { requests, stepOf } = renderBatch([
        { step: "add table", table },
        { step: "add elements", table, set: "v", elements: many(3000, chain) },
      ]);
      expect(() => encodeBatch(requests, 1)).not.toThrow();
      expect(stepOf).toEqual([undefined, 0, ...requests.slice(3).map(() => 1), undefined]);
    }
  });

  it("of nothing is nothing", () => {
    expect(splitElements([])).toEqual([]);
  });
});

describe("what the kernel lists", () => {
  it("is what it was given with the defaults", () => {
    expect(listedExpression({ expr: "nat", type: "dnat", family: "ip", regAddrMin: 1, regProtoMin: 9 })).toEqual({
      expr: "nat",
      type: "dnat",
      family: "ip",
      regAddrMin: 1,
      regAddrMax: 1,
      regProtoMin: 9,
      regProtoMax: 9,
      flags: ["mapIps", "protoSpecified"],
    });
    expect(listedExpression({ expr: "lookup", set: "v", sreg: 1, setId: 4 })).toEqual({
      expr: "lookup",
      set: "v",
      sreg: 1,
      flags: [],
    });
  });
});

describe("a step in a line", () => {
  const table = { family: "ip", name: "t" } as const;
  it.each<[NftStep, string]>([
    [{ step: "delete table", table }, "delete table ip t"],
    [{ step: "add chain", table, chain: { name: "a" } }, "add chain ip t a"],
    [{ step: "delete rule", table, chain: "a", handle: 7 }, "delete rule ip t a handle 7"],
    [
      { step: "add rule", table, chain: "a", rule: { expressions: [{ expr: "counter" }] } },
      "add rule ip t a { counter }",
    ],
    [{ step: "add elements", table, set: "s", elements: [] }, "add elements ip t s (0 elements)"],
    [{ step: "delete object", table, kind: "counter", name: "c" }, "delete object ip t c"],
  ])("%#: %s", (step, text) => {
    expect(describeStep(step)).toBe(text);
  });
});
