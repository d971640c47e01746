import { describe, expect, it } from "vitest";
import type { IpAddress } from "../../../src/model/address.ts";
import { encodeBatch, splitDatagram, type AnyRequest } from "../../../src/kernel/netlink/codec/message.ts";
import {
  commandMessage,
  destinationAttributes,
  infoMessage,
  serviceAttributes,
} from "../../../src/kernel/netlink/ipvs/attributes.ts";
import {
  getInfo,
  listDestinations,
  listServices,
  readDestination,
  readInfo,
  readService,
  readTimeouts,
  setTimeouts,
  stepRequest,
} from "../../../src/kernel/netlink/ipvs/messages.ts";
import {
  attributesOfDestination,
  attributesOfService,
  destinationOf,
  serviceOf,
  type IpvsDestination,
  type IpvsService,
  type IpvsServiceKey,
} from "../../../src/kernel/netlink/ipvs/service.ts";
import { describeStep, refusalText, type IpvsStep } from "../../../src/kernel/netlink/ipvs/step.ts";
import fc from "../../fixtures/property.ts";
import { decode, describeCodecs, encode } from "./properties.ts";

describeCodecs({ serviceAttributes, destinationAttributes, commandMessage, infoMessage });

const family = { id: 0x23, version: 1 };
const ip = (text: string) => text as IpAddress;
const tcp: IpvsServiceKey = { address: ip("10.96.0.1"), port: 443, protocol: "tcp" };
const hex = (request: AnyRequest) => encodeBatch([request], 1).toString("hex");
const received = (text: string) => splitDatagram(Buffer.from(text, "hex"))[0]!;

/** As Linux 6.12 answered, where ipvsadm -Ln --stats --exact read 1 connection, 5 and 3 packets, 1268 and 164 bytes. */
const serviceHex = [
  "400100002300020001000000c2010000010100002c01010006000100020000000600020006000000140003000a6000010000",
  "000000000000000000000600040001bb000007000600727200000c00070002000000ffffffff080008000000000008000900",
  "ffffffff5c000a000800010001000000080002000500000008000300030000000c000400f4040000000000000c000500a400",
  "000000000000080006000000000008000700000000000800080000000000080009001000000008000a00020000007c000c00",
  "0c00010001000000000000000c00020005000000000000000c00030003000000000000000c000400f4040000000000000c00",
  "0500a4000000000000000c00060000000000000000000c00070000000000000000000c00080000000000000000000c000900",
  "10000000000000000c000a000200000000000000",
].join("");
const destinationHex = [
  "640100002300020001000000c20100000501000050010200140001000af400010000000000000000000000000600020020fb",
  "00000800030000000000080004000300000005000d000000000006000e000000000006000f00000000000800050014000000",
  "080006000a00000008000700000000000800080001000000080009000000000006000b00020000005c000a00080001000100",
  "0000080002000500000008000300030000000c000400f4040000000000000c000500a4000000000000000800060000000000",
  "08000700000000000800080000000000080009001000000008000a00020000007c000c000c00010001000000000000000c00",
  "020005000000000000000c00030003000000000000000c000400f4040000000000000c000500a4000000000000000c000600",
  "00000000000000000c00070000000000000000000c00080000000000000000000c00090010000000000000000c000a000200",
  "000000000000",
].join("");
const timeoutsHex = "2c0000002300000001000000c20100000c01000008000400840300000800050078000000080006002c010000";

describe("what the kernel said", () => {
  const counters = { connections: 1n, packetsIn: 5n, packetsOut: 3n, bytesIn: 1268n, bytesOut: 164n };

  it("is a service", () => {
    expect(readService(received(serviceHex))).toEqual({ key: tcp, scheduler: "rr", counters });
  });

  it("is a destination", () => {
    expect(readDestination(received(destinationHex), tcp)).toEqual({
      address: "10.244.0.1",
      port: 8443,
      forwarding: "masq",
      weight: 3,
      upperThreshold: 20,
      lowerThreshold: 10,
      activeConnections: 0,
      inactiveConnections: 1,
      persistentConnections: 0,
      counters,
    });
  });

  it("are timeouts, and a version", () => {
    expect(readTimeouts(received(timeoutsHex))).toEqual({ tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 });
    const info = "240000002300000001000000c50100000e01000008000100010201000800020000100000";
    expect(readInfo(received(info))).toEqual({ version: "1.2.1", connectionTableSize: 4096 });
  });
});

describe("golden bytes", () => {
  /** AF_INET, TCP, the address alone, the port in network order. */
  const keyHex = "06000100020000000600020006000000" + "080003000a600001" + "0600040001bb0000";

  it("adds a service with all that the kernel demands", () => {
    const persistence = { timeoutSeconds: 10_800, mask: 24 };
    const service: IpvsService = { key: tcp, scheduler: "sh", schedulerFlags: ["port"], persistence };
    expect(hex(stepRequest(family, { verb: "addService", service }))).toBe(
      [
        "5c000000" + "2300" + "0100" + "0100000000000000",
        "01010000",
        "48000180" + keyHex + "0700060073680000",
        "0c000700" + "11000000ffffffff",
        "08000800302a0000",
        "08000900ffffff00",
      ].join(""),
    );
  });

  it("adds a destination, and deletes it by its name", () => {
    const destination: IpvsDestination = { address: ip("10.244.0.1"), port: 8443, forwarding: "masq", weight: 3 };
    expect(hex(stepRequest(family, { verb: "addDestination", service: tcp, destination }))).toBe(
      [
        "74000000" + "2300" + "0100" + "0100000000000000",
        "05010000",
        "24000180" + keyHex,
        "3c000280" + "080001000af40001" + "0600020020fb0000",
        "0800030000000000" + "0800040003000000" + "0800050000000000" + "0800060000000000",
        "06000b0002000000",
      ].join(""),
    );
    expect(hex(stepRequest(family, { verb: "deleteDestination", service: tcp, destination }))).toBe(
      [
        "54000000" + "2300" + "0100" + "0100000000000000",
        "07010000",
        "24000180" + keyHex,
        "1c000280" + "080001000af40001" + "0600020020fb0000" + "06000b0002000000",
      ].join(""),
    );
  });

  it("names a mark by its family, and nothing else", () => {
    const key: IpvsServiceKey = { family: "ip6", mark: 9 };
    expect(hex(stepRequest(family, { verb: "deleteService", service: key }))).toBe(
      "280000002300010001000000000000000301000014000180" + "060001000a000000" + "0800050009000000",
    );
  });

  it("asks for everything, for one, and for what IPVS is", () => {
    expect(hex(listServices(family))).toBe("14000000230001000100000000000000" + "04010000");
    expect(hex(listDestinations(family, tcp))).toBe("38000000230001000100000000000000" + "0801000024000180" + keyHex);
    expect(hex(getInfo(family))).toBe("14000000230001000100000000000000" + "0f010000");
  });

  it("sets timeouts, with 0 for those that stay", () => {
    expect(hex(setTimeouts(family, { udpSeconds: 20 }))).toBe(
      "2c000000230001000100000000000000" + "0c010000" + "0800040000000000" + "0800050000000000" + "0800060014000000",
    );
  });
});

describe("masks of clients", () => {
  const netmask = (key: IpvsServiceKey, mask?: number | IpAddress) => {
    const persistence = { timeoutSeconds: 1, ...(mask !== undefined && { mask }) };
    return Buffer.from(attributesOfService({ key, scheduler: "rr", persistence }).netmask!).toString("hex");
  };
  const v6: IpvsServiceKey = { family: "ip6", mark: 1 };

  it.each<[IpvsServiceKey, number | IpAddress | undefined, string]>([
    [tcp, undefined, "ffffffff"],
    [tcp, 32, "ffffffff"],
    [tcp, 17, "ffff8000"],
    [tcp, 1, "80000000"],
    [tcp, 0, "00000000"],
    [tcp, ip("255.0.255.0"), "ff00ff00"],
    [v6, undefined, "80000000"],
    [v6, 64, "40000000"],
  ])("%o, %s: %s", (key, mask, bytes) => expect(netmask(key, mask)).toBe(bytes));

  it.each([
    [tcp, 33],
    [tcp, -1],
    [tcp, 1.5],
    [v6, 129],
  ])("%o has no %s bits", (key, mask) => {
    const service: IpvsService = { key, scheduler: "rr", persistence: { timeoutSeconds: 1, mask } };
    expect(() => stepRequest(family, { verb: "addService", service })).toThrow(
      expect.objectContaining({ code: "NETLINK_ENCODE" }),
    );
  });
});

const addresses = fc.oneof(
  fc.ipV4().map(ip),
  fc.array(fc.integer({ min: 1, max: 0xfff }), { minLength: 7, maxLength: 7 }).map((parts) => {
    return ip(["fd00", ...parts.map((part) => part.toString(16))].join(":"));
  }),
);
const numbers16 = fc.nat(65_535);
const numbers32 = fc.nat(2 ** 31 - 1);
const keys: fc.Arbitrary<IpvsServiceKey> = fc.oneof(
  fc.record({ address: addresses, port: numbers16, protocol: fc.constantFrom("tcp", "udp", "sctp") }),
  fc.record({ family: fc.constantFrom("ip", "ip6"), mark: fc.integer({ min: 1, max: 2 ** 32 - 1 }) }),
);
const optional = { requiredKeys: ["key", "scheduler"] as ("key" | "scheduler")[], noNullPrototype: true };
const services = fc.record(
  {
    key: keys,
    scheduler: fc.constantFrom("rr", "sh", "none"),
    schedulerFlags: fc.subarray(["fallback", "port", "third"] as const, { minLength: 1 }),
    onePacket: fc.constant(true as const),
    persistence: fc.record({ timeoutSeconds: numbers32, mask: fc.integer({ min: 0, max: 31 }) }),
  },
  optional,
);

describe("what was written is what is read", () => {
  it("of a service", () => {
    fc.assert(
      fc.property(services, (service) => {
        const { counters, ...found } = serviceOf(
          decode(serviceAttributes, encode(serviceAttributes, attributesOfService(service))),
        )!;
        expect(found).toEqual(service);
        expect(counters.connections).toBe(0n);
      }),
    );
  });

  it("of a destination, in a service of whatever family", () => {
    const destinations = fc.record({
      address: addresses,
      port: numbers16,
      forwarding: fc.constantFrom("masq", "local", "tunnel", "direct"),
      weight: numbers32,
      upperThreshold: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    });
    fc.assert(
      fc.property(destinations, fc.constantFrom("ip", "ip6"), (destination, own) => {
        const found = destinationOf(
          decode(destinationAttributes, encode(destinationAttributes, attributesOfDestination(destination))),
          own,
        );
        expect(found).toMatchObject(destination);
      }),
    );
  });
});

describe("what is no service of ours to read", () => {
  it("is left out", () => {
    expect(serviceOf({})).toBeUndefined();
    expect(serviceOf({ family: "#17", mark: 1 } as never)).toBeUndefined();
    expect(serviceOf({ family: "ip6", protocol: "tcp", port: 1, address: new Uint8Array(4) })).toBeUndefined();
    expect(destinationOf({ address: new Uint8Array(16) }, "ip")).toBeUndefined();
  });
});

describe("words", () => {
  it.each<[IpvsStep, string]>([
    [{ verb: "deleteService", service: { family: "ip", mark: 7 } }, "delete IPVS service mark 7 of ip"],
    [
      { verb: "deleteDestination", service: tcp, destination: { address: ip("fd00::1"), port: 80 } },
      "delete destination [fd00::1]:80 of IPVS service tcp 10.96.0.1:443",
    ],
    [{ verb: "zeroCounters", service: tcp }, "zero the counters of IPVS service tcp 10.96.0.1:443"],
  ])("of %o", (step, text) => expect(describeStep(step)).toBe(text));

  it("say what an errno means for the step", () => {
    const add: IpvsStep = { verb: "addService", service: { key: tcp, scheduler: "rr" } };
    expect(refusalText(add, 2)).toContain("scheduler");
    expect(refusalText({ verb: "deleteService", service: tcp }, 3)).toContain("no such service");
    expect(refusalText(add, 1)).toBeUndefined();
  });
});
