import fc from "../../fixtures/property.ts";
import { describe, expect, it } from "vitest";
import type { IpAddress } from "../../../src/model/address.ts";
import { conntrackMessage, conntrackStats, tupleAttributes } from "../../../src/kernel/netlink/ctnetlink/attributes.ts";
import type { ConntrackEntry } from "../../../src/kernel/netlink/ctnetlink/entry.ts";
import { isEverything, kernelFilter, matches } from "../../../src/kernel/netlink/ctnetlink/filter.ts";
import { anyMatcher, commonFilter } from "../../../src/kernel/netlink/ctnetlink/matcher.ts";
import {
  deleteEntry,
  flushEntries,
  listEntries,
  mirrored,
  newEntry,
  readEntry,
  readEvent,
  type NewEntry,
} from "../../../src/kernel/netlink/ctnetlink/messages.ts";
import { encodeBatch, splitDatagram, type AnyRequest } from "../../../src/kernel/netlink/codec/message.ts";
import { describeCodecs } from "./properties.ts";

describeCodecs({ conntrackMessage, conntrackStats, tupleAttributes });

const ip = (text: string) => text as IpAddress;
const hex = (request: AnyRequest) => encodeBatch([request], 1).toString("hex");
const original = {
  source: ip("10.0.0.1"),
  destination: ip("10.96.0.10"),
  protocol: "udp",
  sourcePort: 4660,
  destinationPort: 53,
} as const;
/** CTA_TUPLE_IP and CTA_TUPLE_PROTO of `original`. */
const originalHex =
  "14000180" +
  "080001000a000001" +
  "080002000a60000a" +
  "1c000280" +
  "0500010011000000" +
  "0600020012340000" +
  "0600030000350000";

describe("golden bytes", () => {
  it("deletes one entry by tuple, zone and id", () => {
    expect(hex(deleteEntry({ family: "ip", original, zone: 7, id: 0x01020304 }))).toBe(
      [
        "58000000020101000100000000000000",
        "02000000",
        "34000180",
        originalHex,
        "08000c0001020304",
        "0600120000070000",
      ].join(""),
    );
  });

  it("lists what a filter of the kernel names; its flags are in host order", () => {
    const filter = { original: { destination: original.destination, protocol: "udp", destinationPort: 53 } } as const;
    const tuple = "0c000180080002000a60000a" + "14000280" + "0500010011000000" + "0600030000350000";
    expect(hex(listEntries(filter))).toBe(
      [
        "4c000000010101000100000000000000",
        "02000000",
        "24000180",
        tuple,
        "14001980",
        "080001002a000000",
        "0800020000000000",
      ].join(""),
    );
  });

  it("flushes by mark and status, of one family", () => {
    const filter = {
      family: "ip6",
      mark: { value: 0x4000, mask: 0xc000 },
      status: { set: ["seenReply"], unset: ["assured"] },
    } as const;
    expect(hex(flushEntries(filter))).toBe(
      [
        "34000000020101000100000000000000",
        "0a010000",
        "0800030000000002",
        "0800080000004000",
        "080015000000c000",
        "08001a0000000006",
      ].join(""),
    );
  });

  it("makes an entry", () => {
    const entry: NewEntry = { family: "ip", original, reply: mirrored(original), timeoutSeconds: 30, mark: 1 };
    const bytes = encodeBatch([newEntry(entry)], 1);
    expect(bytes.readUInt16LE(4)).toBe(0x0100);
    expect(bytes.readUInt16LE(6)).toBe(0x0601);
    expect(bytes.toString("hex")).toContain("34000180" + originalHex);
    expect(bytes.toString("hex").endsWith("080007000000001e" + "0800080000000001")).toBe(true);
  });
});

describe("entries", () => {
  const received = (request: AnyRequest, flags = 0) => {
    const bytes = Buffer.from(encodeBatch([{ ...request, flags }], 1));
    return splitDatagram(bytes)[0]!;
  };
  const made: NewEntry = {
    family: "ip",
    original,
    reply: mirrored(original),
    timeoutSeconds: 30,
    mark: 1,
    status: ["seenReply", "confirmed"],
  };

  it("reads what a message says", () => {
    expect(readEntry(received(newEntry(made)))).toEqual({ ...made, zone: 0 });
  });

  it("reads icmp and icmpv6 by their own attributes", () => {
    const icmp = {
      source: ip("10.0.0.1"),
      destination: ip("10.0.0.2"),
      protocol: "icmp",
      icmp: { id: 9, type: 8, code: 0 },
    } as const;
    const icmpv6 = {
      source: ip("fd00::1"),
      destination: ip("fd00::2"),
      protocol: "icmpv6",
      icmp: { id: 9, type: 128, code: 0 },
    } as const;
    const entry = (family: "ip" | "ip6", tuple: ConntrackEntry["original"]) =>
      readEntry(received(newEntry({ family, original: tuple, reply: mirrored(tuple), timeoutSeconds: 1 })));
    expect(entry("ip", icmp)).toMatchObject({ original: icmp, reply: { icmp: { type: 0 } } });
    expect(entry("ip6", icmpv6)).toMatchObject({ original: icmpv6, reply: { icmp: { type: 129 } } });
  });

  it("refuses an entry without tuples", () => {
    const request = { ...newEntry(made), body: { family: "ip", version: 0, resourceId: 0 } };
    expect(() => readEntry(received(request))).toThrow(
      expect.objectContaining({ code: "NETLINK_DECODE", subject: "original" }),
    );
  });

  it("tells events apart by type and flags", () => {
    expect(readEvent(received(newEntry(made), 0x600))?.type).toBe("new");
    expect(readEvent(received(newEntry(made)))?.type).toBe("update");
    const destroy = { ...newEntry(made), type: deleteEntry({ ...made, zone: 0 }).type };
    expect(readEvent(received(destroy))?.type).toBe("destroy");
    expect(readEvent(received({ ...newEntry(made), type: 0x0a00 }))).toBeUndefined();
  });
});

describe("filters", () => {
  const entry: ConntrackEntry = {
    family: "ip",
    original,
    reply: { ...mirrored(original), source: ip("10.0.3.4"), sourcePort: 5353 },
    zone: 0,
    mark: 0x8001,
    status: ["seenReply", "destinationNat"],
  };
  it.each([
    [{}, true],
    [{ family: "ip6" }, false],
    [{ zone: 0 }, true],
    [{ zone: 1 }, false],
    [{ original: { destination: ip("10.96.0.10"), protocol: "udp", destinationPort: 53 } }, true],
    [{ original: { destination: ip("10.96.0.10"), protocol: "tcp" } }, false],
    [{ reply: { source: ip("10.0.3.4") } }, true],
    [{ reply: { source: ip("10.0.3.5") } }, false],
    [{ mark: { value: 0x8000, mask: 0xf000 } }, true],
    [{ mark: { value: 0x8000 } }, false],
    [{ status: { set: ["destinationNat"], unset: ["assured"] } }, true],
    [{ status: { unset: ["seenReply"] } }, false],
  ] as const)("%j: %s", (filter, expected) => {
    expect(matches(filter, entry)).toBe(expected);
  });

  it("masks a mark of 32 bits without a sign", () => {
    expect(matches({ mark: { value: 0x80000000, mask: 0x80000000 } }, { ...entry, mark: 0x80000001 })).toBe(true);
  });

  it.each([
    [
      "IPv6 addresses",
      { original: { destination: ip("fd00::1"), protocol: "udp", destinationPort: 53 } },
      ["protocol", "destinationPort"],
    ],
    ["ports without a protocol", { family: "ip", original: { destinationPort: 53 } }, undefined],
    ["ports of sctp", { family: "ip", original: { protocol: "sctp", destinationPort: 53 } }, ["protocol"]],
    ["tuples without a family", { original: { protocol: "tcp" } }, undefined],
  ] as const)("leaves %s to us", (_what, filter, flags) => {
    expect(kernelFilter(filter).filter?.originalFlags).toEqual(flags);
  });

  it.each([
    [{}],
    [{ zone: 3 }],
    [{ original: { destination: ip("fd00::1"), protocol: "udp" } }],
    [{ original: { protocol: "udp" } }],
    [{ family: "ip", reply: { protocol: "sctp", sourcePort: 5 } }],
  ] as const)("does not flush by %j, of which a kernel decides a part", (filter) => {
    expect(() => flushEntries(filter)).toThrow(expect.objectContaining({ code: "KERNEL_ARGUMENT" }));
  });

  it("knows a filter that means everything", () => {
    expect(isEverything({})).toBe(true);
    expect(isEverything({ original: {}, status: { set: [] } })).toBe(true);
    expect(isEverything({ zone: 0 })).toBe(false);
    expect(isEverything({ reply: { protocol: "tcp" } })).toBe(false);
  });
});

describe("many filters", () => {
  const address = fc.constantFrom(ip("10.0.0.1"), ip("10.0.0.2"), ip("10.96.0.1"), ip("10.96.0.2"));
  const port = fc.constantFrom(53, 80);
  const protocol = fc.constantFrom("tcp" as const, "udp" as const);
  const tuple = fc.record({ source: address, destination: address, protocol, sourcePort: port, destinationPort: port });
  const pattern = fc.record(
    { source: address, destination: address, protocol, sourcePort: port, destinationPort: port },
    { requiredKeys: [] },
  );
  const family = fc.constantFrom("ip" as const, "ip6" as const);
  const zone = fc.constantFrom(0, 1);
  const filters = fc.array(fc.record({ family, zone, original: pattern, reply: pattern }, { requiredKeys: [] }), {
    maxLength: 4,
  });
  const entries = fc.record({ family, zone, original: tuple, reply: tuple, mark: fc.constant(0) });

  it("mean what each of them means", () => {
    fc.assert(
      fc.property(filters, entries, (many, entry) => {
        expect(anyMatcher(many)(entry)).toBe(many.some((filter) => matches(filter, entry)));
      }),
    );
  });

  it("have in common no more than all of them ask", () => {
    fc.assert(
      fc.property(filters, entries, (many, entry) => {
        if (anyMatcher(many)(entry)) expect(matches(commonFilter(many), entry)).toBe(true);
      }),
    );
  });
});
