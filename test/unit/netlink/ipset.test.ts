import { describe, expect, it } from "vitest";
import type { IpAddress } from "../../../src/model/address.ts";
import {
  elementAttributes,
  elementMessage,
  headerAttributes,
  setMessage,
  twoSetsMessage,
  type SetMessage,
} from "../../../src/kernel/netlink/ipset/attributes.ts";
import { ipsetErrorText } from "../../../src/kernel/netlink/ipset/errors.ts";
import {
  askProtocol,
  changeElements,
  createSet,
  destroySet,
  failedElement,
  listSets,
  readProtocol,
  swapSets,
  testElement,
} from "../../../src/kernel/netlink/ipset/messages.ts";
import { setsOf, type IpsetDefinition, type IpsetElement } from "../../../src/kernel/netlink/ipset/set.ts";
import { encodeBatch, splitDatagram, type AnyRequest } from "../../../src/kernel/netlink/codec/message.ts";
import { describeCodecs } from "./properties.ts";

describeCodecs({ elementAttributes, headerAttributes, setMessage, elementMessage, twoSetsMessage });

const ip = (text: string) => text as IpAddress;
const hex = (request: AnyRequest) => encodeBatch([request], 1).toString("hex");
const element = { ip: ip("10.96.0.1"), port: 443, protocol: "tcp" } as const;
/** Numbers bear 0x4000, addresses stand in a nested attribute of their own. */
const elementHex = "0c000180" + "080001400a600001" + "0600044001bb0000" + "0500070006000000";

describe("golden bytes", () => {
  it("creates a set", () => {
    const definition = { type: "hash:ip,port", family: "ip", hashSize: 64, timeoutSeconds: 0, counters: true } as const;
    expect(hex(createSet(7, "svc", definition, 7, true))).toBe(
      [
        "64000000" + "0206" + "0106" + "0100000000000000",
        "02000000",
        "0500010007000000",
        "0800020073766300",
        "11000300" + "686173683a69702c706f727400" + "000000",
        "0500040007000000",
        "0500050002000000",
        "1c000780" + "0800064000000000" + "0800084000000008" + "0800124000000040",
      ].join(""),
    );
  });

  it("tests one element", () => {
    expect(hex(testElement(6, "svc", element))).toBe(
      [
        "44000000" + "0b06" + "0100" + "0100000000000000",
        "02000000",
        "0500010006000000",
        "0800020073766300",
        "20000780",
        elementHex,
      ].join(""),
    );
  });

  it("adds elements with their lines, and a line for the kernel to write the failed one into", () => {
    const [request, ...more] = changeElements("add", 7, "svc", [element], false);
    expect(more).toEqual([]);
    expect(hex(request!)).toBe(
      [
        "58000000" + "0906" + "0100" + "0100000000000000",
        "02000000",
        "0500010007000000",
        "0800020073766300",
        "2c000880" + "28000780" + elementHex + "0800090001000000",
        "0800090000000000",
      ].join(""),
    );
  });

  it("destroys and swaps by name", () => {
    expect(hex(destroySet(7, "a"))).toBe(
      "24000000030601020100000000000000" + "020000000500010007000000" + "0600020061000000",
    );
    expect(hex(swapSets(7, "a", "b"))).toBe(
      "2c000000060601000100000000000000" + "020000000500010007000000" + "0600020061000000" + "0600030062000000",
    );
  });
});

describe("batches", () => {
  const many: IpsetElement[] = Array.from({ length: 1000 }, (_, i) => ({
    ip: ip(`10.0.${i >> 8}.${i & 255}`),
    comment: "c".repeat(i % 256),
  }));

  it("splits elements over messages that fit, lines counted over all of them", () => {
    const requests = changeElements("add", 7, "s", many, true);
    expect(requests.length).toBeGreaterThan(4);
    const lines = requests.flatMap(({ body }) =>
      (body as { elements: { line: number }[] }).elements.map((e) => e.line),
    );
    expect(lines).toEqual(many.map((_, i) => i + 1));
    for (const request of requests) expect(encodeBatch([request], 1).length).toBeLessThan(65_536);
  });

  it("makes no message for no elements", () => {
    expect(changeElements("remove", 7, "s", [], false)).toEqual([]);
  });

  it("finds the failed element in the request that comes back", () => {
    const [request] = changeElements("add", 7, "s", many.slice(0, 3), false);
    const payload = Buffer.from(
      encodeBatch([{ ...request!, body: { ...(request!.body as object), line: 2 } }], 1),
    ).subarray(16);
    expect(failedElement(payload)).toBe(1);
    expect(failedElement(payload.subarray(0, 30))).toBeUndefined();
    expect(failedElement(undefined)).toBeUndefined();
  });
});

describe("lists", () => {
  const head = { family: "ip", version: 0, resourceId: 0, protocol: 7, name: "svc" } as const;
  const start: SetMessage = {
    ...head,
    typeName: "hash:ip,port",
    setFamily: "ip6",
    revision: 7,
    index: 3,
    header: {
      hashSize: 64,
      maxElements: 100,
      references: 1,
      memoryBytes: 400,
      elementCount: 2,
      flags: ["withCounters"],
    },
    elements: [element],
  };

  it("joins the messages of a set", () => {
    expect(setsOf([start, { ...head, elements: [{ ...element, port: 80 }] }])).toEqual([
      {
        name: "svc",
        definition: { type: "hash:ip,port", family: "ip6", hashSize: 64, maxElements: 100, counters: true },
        revision: 7,
        index: 3,
        references: 1,
        memoryBytes: 400,
        elementCount: 2,
        elements: [element, { ...element, port: 80 }],
      },
    ]);
  });

  it("keeps sets of types that it does not make", () => {
    expect(setsOf([{ ...start, typeName: "hash:mac" }])[0]!.definition).toEqual({ type: "other", name: "hash:mac" });
  });

  it("refuses elements without a header", () => {
    expect(() => setsOf([{ ...head, elements: [element] }])).toThrow(
      expect.objectContaining({ code: "NETLINK_DECODE" }),
    );
  });

  const definitions: IpsetDefinition[] = [
    { type: "bitmap:port", portFrom: 1024, portTo: 2047, comment: true },
    { type: "list:set", size: 8, timeoutSeconds: 5 },
    { type: "hash:net", family: "ip6", maxElements: 10, forceAdd: true },
  ];
  it.each(definitions)("reads the definition it wrote: $type", (definition) => {
    const { body } = createSet(7, "x", definition, 1, false);
    expect(setsOf([body])[0]!.definition).toEqual(definition);
  });

  it("asks for one or for all", () => {
    expect(listSets(7).body).not.toHaveProperty("name");
    expect(listSets(7, "svc").body.name).toBe("svc");
  });
});

describe("protocol", () => {
  const answer = (protocol: number, lowest?: number) => {
    const body = { ...askProtocol().body, protocol, ...(lowest === undefined ? {} : { lowest }) };
    return readProtocol(splitDatagram(Buffer.from(encodeBatch([{ ...askProtocol(), body }], 1)))[0]!);
  };
  it.each([
    [7, 6, 7],
    [8, 6, 7],
    [6, undefined, 6],
    [8, 8, undefined],
    [5, undefined, undefined],
  ])("of a kernel with %s down to %s: %s", (highest, lowest, expected) => {
    expect(answer(highest, lowest)).toBe(expected);
  });
});

describe("errors in words", () => {
  it.each([
    [2, "hash:ip", "ENOENT"],
    [4100, undefined, "in use by a rule"],
    [4352, "hash:ip", "the set is full"],
    [4352, "bitmap:port", "outside the range"],
    [4353, "list:set", "cannot hold a list"],
    [4352, undefined, "the set is full; or the element is outside"],
    [4999, "hash:ip", "ipset error 4999"],
  ])("%s of %s", (errno, type, text) => {
    expect(ipsetErrorText(errno, type)).toContain(text);
  });
});
