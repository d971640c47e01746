import { describe, expect, it } from "vitest";
import type { IpAddress, MacAddress } from "../../../src/model/address.ts";
import * as a from "../../../src/kernel/netlink/codec/attributes.ts";
import * as c from "../../../src/kernel/netlink/codec/codec.ts";
import { flags } from "../../../src/kernel/netlink/codec/flags.ts";
import { decodeOutcome, encodeBatch, splitDatagram } from "../../../src/kernel/netlink/codec/message.ts";
import { FairleadError } from "../../../src/errors/catalogue.ts";
import { decode, describeCodecs, encode } from "./properties.ts";

const inner = a.attributes({ id: a.attr(1, c.be32), name: a.attr(2, c.cstring(15)) });
interface Tree {
  leaf?: number;
  children?: readonly Tree[];
}
const tree: c.Codec<Tree> = a.attributes({
  leaf: a.attr(1, c.u32),
  children: a.nest(
    2,
    a.list(
      1,
      a.lazy((): c.Codec<Tree> => tree),
    ),
  ),
});
const sample = c.merged(
  c.struct({ family: c.u8, pad: c.pad(1), type: c.u16, index: c.s32 }),
  a.attributes({
    flag: a.attr(1, c.present),
    wide: a.attr(2, c.be64),
    address: a.attr(3, c.ip()),
    hardware: a.attr(4, c.mac),
    inner: a.nest(5, inner),
    items: a.nest(6, a.list(1, inner)),
    scope: a.attr(7, c.named(c.u8, { global: 0, link: 253 })),
    many: a.repeated(8, c.u16),
    info: a.nest(9, a.tagged("kind", a.attr(1, c.cstring()), 2, { plain: inner, empty: a.attributes({}) })),
    order: a.netOrder(10, c.be32),
    tree: a.nest(11, tree),
    enabled: a.attr(20, c.bool8),
    counted: a.nest(13, a.numbered(inner)),
    bits: a.attr(14, flags(c.be32, { seenReply: 2, assured: 4, top: 0x80000000 })),
  }),
);

describeCodecs({ sample, tree, inner });

describe("golden bytes", () => {
  it("encodes header, struct, attributes and padding as the kernel lays them out", () => {
    const body = { family: 2, type: 1, index: -1, inner: { id: 0x01020304, name: "ab" }, order: 7 };
    expect(encode(sample, body).toString("hex")).toBe(
      ["34000000640001000100000000000000", "02000100ffffffff", "14000580", "0800010001020304", "0700020061620000"].join(
        "",
      ) + "08000a4000000007",
    );
  });

  it("writes text beyond ASCII in UTF-8, whole", () => {
    const text = a.attributes({ name: a.attr(1, c.cstring()) });
    expect(decode(text, encode(text, { name: "ab☃ é" }))).toEqual({ name: "ab☃ é" });
    expect(encode(text, { name: "aé" }).toString("hex")).toBe("1800000064000100010000000000000008000100" + "61c3a900");
  });

  it("keeps a kind that has no codec, with its data", () => {
    const info = a.tagged("kind", a.attr(1, c.cstring()), 2, { plain: inner });
    const value = { kind: "other", name: "netkit", data: Buffer.from("0800010001000000", "hex") } as const;
    expect(decode(info, encode(info, value))).toEqual(value);
  });
});

describe("flags", () => {
  const status = flags(c.be32, { seenReply: 2, assured: 4, top: 0x80000000 });
  it("keeps bits that have no name", () => {
    expect(decode(status, encode(status, ["#24", "top", "seenReply"]))).toEqual(["seenReply", "top", "#24"]);
  });
  it("refuses a name that no bit has", () => {
    expect(() => encode(status, ["dying" as "top"])).toThrow(expect.objectContaining({ code: "NETLINK_ENCODE" }));
  });
});

describe("refusals name the field", () => {
  const base = { family: 2, type: 1, index: 0 };
  it.each([
    [{ ...base, type: 65536 }, "type"],
    [{ ...base, inner: { id: -1 } }, "inner.id"],
    [{ ...base, items: [{}, { name: "a-name-that-is-too-long" }] }, "items.1.name"],
    [{ ...base, address: "10.0.0.256" as IpAddress }, "address"],
    [{ ...base, hardware: "02:00" as MacAddress }, "hardware"],
    [{ ...base, inner: { name: "a\0b" } }, "inner.name"],
  ])("%j", (body, subject) => {
    expect(() => encode(sample, body)).toThrow(expect.objectContaining({ code: "NETLINK_ENCODE", subject }));
  });

  it("refuses a nested attribute of 64 KiB", () => {
    const items = Array.from({ length: 8192 }, () => ({ id: 1 }));
    expect(() => encode(sample, { ...base, items })).toThrow(expect.objectContaining({ subject: "items" }));
  });

  it("refuses nesting without end", () => {
    let value: Tree = { leaf: 1 };
    for (let i = 0; i < 40; i++) value = { children: [value] };
    expect(() => decode(tree, encode(tree, value))).toThrow(FairleadError);
  });
});

describe("outcomes", () => {
  const error = (flags: number, payload: string) => {
    const body = Buffer.from(payload, "hex");
    const header = Buffer.alloc(16);
    header.writeUInt32LE(16 + body.length, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(flags, 6);
    return decodeOutcome(splitDatagram(Buffer.concat([header, body]))[0]!);
  };
  const request = "14000000100005000100000000000000";

  it("reads an acknowledgement", () => {
    expect(error(0x100, "00000000" + request)).toEqual({ errno: 0 });
  });
  it("reads errno and the kernel's words behind a capped request", () => {
    expect(error(0x300, "feffffff" + request + "08000100666f6f00" + "0800020010000000")).toEqual({
      errno: 2,
      message: "foo",
      offset: 16,
    });
  });
  it("reads them behind a whole request, and the request", () => {
    expect(error(0x200, "feffffff" + request + "aabbccdd" + "08000100666f6f00")).toEqual({
      errno: 2,
      message: "foo",
      request: Buffer.from("aabbccdd", "hex"),
    });
  });
});

describe("batches", () => {
  it("numbers messages one after another and wraps at 2^32", () => {
    const request = { type: 16, flags: 0, codec: inner, body: {} };
    const sequences = splitDatagram(encodeBatch([request, request], 0xffffffff)).map((m) => m.sequence);
    expect(sequences).toEqual([0xffffffff, 0]);
  });
  it("refuses a datagram whose message is longer than it", () => {
    expect(() => splitDatagram(Buffer.alloc(16, 0xff))).toThrow(expect.objectContaining({ code: "NETLINK_DECODE" }));
  });
});
