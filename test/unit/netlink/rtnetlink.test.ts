import { describe, expect, it } from "vitest";
import type { IpAddress } from "../../../src/model/address.ts";
import { encodeBatch } from "../../../src/kernel/netlink/codec/message.ts";
import { addressMessage } from "../../../src/kernel/netlink/rtnetlink/address.ts";
import { bridgeData, bridgePortMessage } from "../../../src/kernel/netlink/rtnetlink/bridge.ts";
import { linkMessage } from "../../../src/kernel/netlink/rtnetlink/link.ts";
import { linkInfo } from "../../../src/kernel/netlink/rtnetlink/link_kinds.ts";
import { neighborMessage } from "../../../src/kernel/netlink/rtnetlink/neighbor.ts";
import { qdiscOptions } from "../../../src/kernel/netlink/rtnetlink/qdisc_kinds.ts";
import { describeRouting, routingRequest } from "../../../src/kernel/netlink/rtnetlink/requests.ts";
import { routeEntryMessage } from "../../../src/kernel/netlink/rtnetlink/route.ts";
import { ruleMessage } from "../../../src/kernel/netlink/rtnetlink/rule.ts";
import { filterMessage, qdiscMessage } from "../../../src/kernel/netlink/rtnetlink/tc.ts";
import type { RoutingChange } from "../../../src/kernel/ports.ts";
import { decode, describeCodecs, encode } from "./properties.ts";

describeCodecs({
  linkMessage,
  linkInfo,
  bridgeData,
  bridgePortMessage,
  addressMessage,
  routeEntryMessage,
  ruleMessage,
  neighborMessage,
  qdiscMessage,
  qdiscOptions,
  filterMessage,
});

const ip = (text: string) => text as IpAddress;
const bytesOf = (change: RoutingChange) => encodeBatch([routingRequest(change)], 1).toString("hex");
/** Hexadecimal words as they stand in the kernel's headers, one line a struct or attribute. */
const hex = (...lines: string[]) => lines.join("").replaceAll(" ", "");

describe("golden bytes", () => {
  it("makes a veth pair whose peer is born in another namespace", () => {
    const change: RoutingChange = {
      verb: "add",
      object: "link",
      value: {
        name: "veth0",
        master: 3,
        flags: ["up"],
        change: ["up"],
        info: {
          kind: "veth",
          peer: {
            family: "unspec",
            hardwareType: "unspec",
            index: 0,
            flags: [],
            change: [],
            name: "eth0",
            netnsFd: 7,
          },
        },
      },
    };
    expect(bytesOf(change)).toBe(
      hex(
        "70000000 1000 0106 01000000 00000000", // RTM_NEWLINK, REQUEST|CREATE|EXCL
        "00 00 0000 00000000 01000000 01000000", // ifinfomsg: IFF_UP
        "0a00 0300 766574683000 0000", // IFLA_IFNAME
        "0800 0a00 03000000", // IFLA_MASTER
        "3c00 1280", // IFLA_LINKINFO
        "0900 0100 7665746800 000000", // IFLA_INFO_KIND
        "2c00 0280", // IFLA_INFO_DATA
        "2800 0100", // VETH_INFO_PEER
        "00 00 0000 00000000 00000000 00000000", // ifinfomsg of the peer
        "0900 0300 6574683000 000000", // IFLA_IFNAME
        "0800 1c00 07000000", // IFLA_NET_NS_FD
      ),
    );
  });

  it("makes a VXLAN device", () => {
    const info = { kind: "vxlan", id: 1, link: 2, local: ip("10.0.0.1"), learning: false, port: 4789 } as const;
    expect(bytesOf({ verb: "add", object: "link", value: { name: "vx0", info } })).toBe(
      hex(
        "64000000 1000 0106 01000000 00000000",
        "00 00 0000 00000000 00000000 00000000",
        "0800 0300 76783000",
        "3c00 1280",
        "0a00 0100 76786c616e00 0000",
        "2c00 0280",
        "0800 0100 01000000", // IFLA_VXLAN_ID
        "0800 0300 02000000", // IFLA_VXLAN_LINK
        "0800 0400 0a000001", // IFLA_VXLAN_LOCAL
        "0500 0700 00 000000", // IFLA_VXLAN_LEARNING
        "0600 0f00 12b5 0000", // IFLA_VXLAN_PORT, big-endian
      ),
    );
  });

  it("makes a route", () => {
    const value = {
      destination: ip("10.2.0.0"),
      destinationPrefixLength: 24,
      gateway: ip("10.1.0.2"),
      outInterface: 5,
      table: 254,
    };
    expect(bytesOf({ verb: "add", object: "route", value })).toBe(
      hex(
        "3c000000 1800 0106 01000000 00000000",
        "02 18 00 00 00 04 00 01 00000000", // rtmsg: static, universe, unicast
        "0800 0100 0a020000", // RTA_DST
        "0800 0400 05000000", // RTA_OIF
        "0800 0500 0a010002", // RTA_GATEWAY
        "0800 0f00 fe000000", // RTA_TABLE
      ),
    );
  });

  it("sends packets over several next hops, each with its length", () => {
    const hop = { flags: [], hops: 0 };
    const body = {
      ...({ family: "ip", sourcePrefixLength: 0, tos: 0, protocol: "static", scope: "universe" } as const),
      ...({ kind: "unicast", flags: [], destinationPrefixLength: 0 } as const),
      nextHops: [
        { ...hop, outInterface: 2, gateway: ip("10.1.0.2") },
        { ...hop, hops: 4, outInterface: 3 },
      ],
    };
    const bytes = encode(routeEntryMessage, body);
    expect(bytes.subarray(28).toString("hex")).toBe(
      hex("1c00 0980", "1000 00 00 02000000", "0800 0500 0a010002", "0800 00 04 03000000"),
    );
    expect(decode(routeEntryMessage, bytes)).toEqual(body);
  });

  it("adds a remote tunnel end to a VXLAN device's forwarding entry", () => {
    const value = { index: 4, linkAddress: "02:00:00:00:00:01", destination: ip("10.0.0.2") };
    expect(bytesOf({ verb: "append", object: "fdb", value })).toBe(
      hex(
        "30000000 1c00 010c 01000000 00000000", // RTM_NEWNEIGH, REQUEST|CREATE|APPEND
        "07 000000 04000000 8000 02 00", // ndmsg: AF_BRIDGE, NUD_PERMANENT, NTF_SELF
        "0800 0100 0a000002",
        "0a00 0200 020000000001 0000",
      ),
    );
  });

  it("attaches a program to what comes in", () => {
    const value = {
      ...({ index: 4, parent: "ingress", protocol: "all", priority: 1, kind: "bpf" } as const),
      fd: 9,
      name: "in",
      flags: ["directAction"] as const,
    };
    expect(bytesOf({ verb: "add", object: "filter", value })).toBe(
      hex(
        "48000000 2c00 0106 01000000 00000000",
        "00 000000 04000000 00000000 f2ffffff 0003 0100", // tcmsg: parent ffff:fff2, ETH_P_ALL, priority 1
        "0800 0100 62706600",
        "1c00 0280",
        "0800 0600 09000000", // TCA_BPF_FD
        "0700 0700 696e00 00", // TCA_BPF_NAME
        "0800 0800 01000000", // TCA_BPF_FLAGS
      ),
    );
  });
});

describe("link information", () => {
  it("is that of a slave alone for a physical port of a bridge", () => {
    const value = { slave: { kind: "bridge", hairpin: true } } as const;
    expect(decode(linkInfo, encode(linkInfo, value))).toEqual(value);
  });

  it("keeps a kind that has no codec", () => {
    const value = { kind: "other", name: "netkit", data: Buffer.from("0800010001000000", "hex") } as const;
    expect(decode(linkInfo, encode(linkInfo, value))).toEqual(value);
  });

  it("reads link-layer addresses of any length: tunnels have theirs of 4 bytes", () => {
    const header = { family: "unspec", hardwareType: "sit", index: 1, flags: [], change: [] } as const;
    const value = { ...header, address: "0a:00:00:01" };
    expect(decode(linkMessage, encode(linkMessage, value))).toEqual(value);
  });
});

describe("requests refuse what would hit the wrong object", () => {
  it.each(["change", "delete"] as const)("a link to %s that is not named would be a whole group", (verb) => {
    expect(() => routingRequest({ verb, object: "link", value: { group: 0 } })).toThrow(
      expect.objectContaining({ code: "NETLINK_ENCODE", subject: "link.index" }),
    );
  });

  it("a default route without a family", () => {
    expect(() => routingRequest({ verb: "add", object: "route", value: { outInterface: 2 } })).toThrow(
      expect.objectContaining({ code: "NETLINK_ENCODE", subject: "route.family" }),
    );
  });
});

it("a change says what it attempts", () => {
  const value = {
    destination: ip("10.2.0.0"),
    destinationPrefixLength: 24,
    gateway: ip("10.1.0.2"),
    outInterface: 5,
    table: 254,
  };
  expect(describeRouting({ verb: "add", object: "route", value })).toBe(
    "add route 10.2.0.0/24 via 10.1.0.2 dev 5 table 254",
  );
});

describe("requests fill in what rtnetlink wants", () => {
  const bodyOf = (change: RoutingChange) => routingRequest(change).body as Record<string, unknown>;
  it.each([
    [
      { destination: ip("10.0.0.1"), outInterface: 1 },
      { family: "ip", destinationPrefixLength: 32, scope: "link" },
    ],
    [{ destination: ip("10.0.0.1"), gateway: ip("10.1.0.1") }, { scope: "universe" }],
    [{ destination: ip("10.0.0.1"), kind: "local" as const }, { scope: "host" }],
    [
      { destination: ip("fd00::1"), outInterface: 1 },
      { family: "ip6", destinationPrefixLength: 128, scope: "universe" },
    ],
    [
      { family: "ip6" as const, outInterface: 1 },
      { family: "ip6", destinationPrefixLength: 0 },
    ],
  ])("route %j", (value, expected) => {
    expect(bodyOf({ verb: "add", object: "route", value })).toMatchObject(expected);
  });

  it("compares only what is said when it deletes a route", () => {
    const value = { destination: ip("10.0.0.1"), outInterface: 1 };
    const open = { scope: "nowhere", kind: "unspec", protocol: "unspec" };
    expect(bodyOf({ verb: "delete", object: "route", value })).toMatchObject(open);
  });

  it("names an IPv4 address twice, so that its prefix is compared when it is deleted", () => {
    const value = { index: 2, local: ip("10.1.0.1"), prefixLength: 32 };
    const body = bodyOf({ verb: "delete", object: "address", value });
    expect(body).toMatchObject({ family: "ip", local: "10.1.0.1", address: "10.1.0.1", prefixLength: 32 });
    expect(bodyOf({ verb: "delete", object: "address", value: { ...value, local: ip("fd00::1") } })).not.toHaveProperty(
      "address",
    );
  });

  it("keeps forwarding entries of a bridge from being taken for its own addresses", () => {
    const value = { index: 2, linkAddress: "02:00:00:00:00:01" };
    expect(bodyOf({ verb: "add", object: "fdb", value })).toMatchObject({ flags: ["master"], state: "noarp" });
  });
});
