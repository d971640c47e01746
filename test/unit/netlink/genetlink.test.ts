import { describe, expect, it } from "vitest";
import { attr, attributes } from "../../../src/kernel/netlink/codec/attributes.ts";
import { u32 } from "../../../src/kernel/netlink/codec/codec.ts";
import { encodeBatch, splitDatagram } from "../../../src/kernel/netlink/codec/message.ts";
import {
  controlMessage,
  genericMessage,
  genericRequest,
  genlmsghdr,
  getFamily,
  readFamily,
  readGeneric,
} from "../../../src/kernel/netlink/genetlink.ts";
import { describeCodecs } from "./properties.ts";

const payload = attributes({ timeout: attr(1, u32) });

describeCodecs({ genlmsghdr, controlMessage, payload: genericMessage(payload) });

describe("golden bytes", () => {
  it("asks for a family by name", () => {
    expect(encodeBatch([getFamily("IPVS")], 1).toString("hex")).toBe(
      ["20000000100001000100000000000000", "03020000", "0900020049505653", "00000000"].join(""),
    );
  });

  it("speaks to a family by its number, in its version", () => {
    const request = genericRequest({ id: 0x1c, version: 1 }, { command: 14, payload, body: { timeout: 5 } });
    expect(encodeBatch([request], 1).toString("hex")).toBe(
      ["1c0000001c0001000100000000000000", "0e010000", "0800010005000000"].join(""),
    );
  });
});

it("reads a family with its operations and groups, numbered from 1", () => {
  const bytes = Buffer.from(
    [
      "78000000100000000100000000000000",
      "01020000",
      "08000200" + "6e6c6400",
      "060001001a000000",
      "0800030001000000",
      "0800040000000000",
      "080005000a000000",
      "2c000680",
      "14000180" + "0800010003000000" + "080002000e000000",
      "14000280" + "0800010004000000" + "0800020001000000",
    ].join(""),
    "hex",
  );
  const groups = Buffer.from(
    "1c000780" + "18000180" + "0800020005000000" + "0b000100" + "6e6f7469667900" + "00",
    "hex",
  );
  const message = Buffer.concat([bytes, groups]);
  message.writeUInt32LE(message.length, 0);
  expect(readFamily(splitDatagram(message)[0]!)).toEqual({
    name: "nld",
    id: 0x1a,
    version: 1,
    headerBytes: 0,
    maxAttribute: 10,
    operations: [
      { id: 3, flags: ["do", "dump", "hasPolicy"] },
      { id: 4, flags: ["adminPermission"] },
    ],
    multicastGroups: { notify: 5 },
  });
});

it("reads an answer with its command", () => {
  const request = genericRequest({ id: 28, version: 1 }, { command: 3, payload, body: { timeout: 9 } });
  const [received] = splitDatagram(Buffer.from(encodeBatch([request], 1)));
  expect(readGeneric(payload, received!)).toEqual({ genl: { command: 3, version: 1 }, timeout: 9 });
});

describe("a family without a name or number", () => {
  it("is refused", () => {
    const [received] = splitDatagram(Buffer.from(encodeBatch([getFamily("x")], 1)));
    expect(() => readFamily(received!)).toThrow(expect.objectContaining({ code: "NETLINK_DECODE" }));
  });
});
