import { describe, expect, it } from "vitest";
import { data, concatKey, part, register, registerIndex, verdict } from "../../../src/kernel/netlink/nftables/data.ts";
import { expression, expressions } from "../../../src/kernel/netlink/nftables/expressions/index.ts";
import { be64Number } from "../../../src/kernel/netlink/nftables/fields.ts";
import { nftCodecs } from "../../../src/kernel/netlink/nftables/message.ts";
import { element } from "../../../src/kernel/netlink/nftables/set.ts";
import * as userdata from "../../../src/kernel/netlink/nftables/userdata.ts";
import { batchMessage, nfgenmsg } from "../../../src/kernel/netlink/nfnetlink.ts";
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
