/**
 * What every RoutingPort does, real or fake. The errors are the kernel's (6.18): the fake gives the same.
 *
 * Lists are compared by what they must hold: the kernel adds entries of its own (multicast neighbours,
 * a bridge's own addresses, IPv6 link-local addresses), the fake does not.
 */
import { getSystemErrorName } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { IpAddress } from "../../src/model/address.ts";
import type { RoutingChange, RoutingEvent, RoutingObject, RoutingPort, RoutingVerbs } from "../../src/kernel/ports.ts";

/** Two empty namespaces with a loopback that is down. */
export interface RoutingBench {
  readonly port: RoutingPort;
  readonly other: RoutingPort;
  /** Descriptor of the other namespace, for `netnsFd`. */
  readonly otherFd: number;
  close(): void;
}

const ip = (text: string) => text as IpAddress;
const up = { flags: ["up"], change: ["up"] } as const;
const down = { flags: [], change: ["up"] } as const;
const peerHeader = { family: "unspec", hardwareType: "unspec", flags: [], change: [] } as const;

/** Indexes are asked for, so that a batch can name what it makes. */
const left = 10;
const right = 11;
const bridge = 20;
const vxlan = 30;

type ChangeOf<O extends RoutingObject, V> = Extract<RoutingChange, { object: O; verb: V }>["value"];

/** A change in one line. */
function change<O extends RoutingObject, V extends RoutingVerbs[O]>(verb: V, object: O, value: ChangeOf<O, V>) {
  return { verb, object, value } as unknown as RoutingChange;
}

const addPair = change("add", "link", {
  index: left,
  name: "left",
  info: { kind: "veth", peer: { ...peerHeader, index: right, name: "right" } },
});
const addBridge = change("add", "link", { index: bridge, name: "bridge", info: { kind: "bridge" } });
const addVxlan = change("add", "link", {
  index: vxlan,
  name: "vxlan",
  info: { kind: "vxlan", id: 7, port: 4789, local: ip("10.1.0.1"), learning: false },
});
const set = (index: number, state: typeof up | typeof down) => change("change", "link", { index, ...state });
const address = (local: string, prefixLength: number, index = left) => ({ index, local: ip(local), prefixLength });
const route = (destination: string, destinationPrefixLength: number) => ({
  destination: ip(destination),
  destinationPrefixLength,
});
/** A pair that is up, with 10.1.0.1/24 and fd01::1/64 on its left end. */
const ready = [
  addPair,
  change("change", "link", { index: left, addressFamilies: { inet6: { addressGeneration: "none" } } }),
  change("change", "link", { index: right, addressFamilies: { inet6: { addressGeneration: "none" } } }),
  set(left, up),
  set(right, up),
  change("add", "address", address("10.1.0.1", 24)),
  change("add", "address", { ...address("fd01::1", 64), flags: ["noDad"] }),
];

export function describeRouting(open: () => Promise<RoutingBench>): void {
  let bench: RoutingBench;
  beforeEach(async () => {
    bench = await open();
  });
  afterEach(() => bench.close());

  /** "ok" or the name of the errno, for each change. */
  const outcomes = async (...changes: RoutingChange[]) =>
    (await bench.port.apply(changes)).map((error) => (error ? getSystemErrorName(-error.errno!) : "ok"));
  const prepare = async (...changes: RoutingChange[]) =>
    expect(await outcomes(...changes)).toEqual(changes.map(() => "ok"));
  const linkNames = async (port = bench.port) => (await port.links()).map((link) => link.name).sort();
  const linkAt = async (index: number) => (await bench.port.links()).find((link) => link.index === index);

  describe("links", () => {
    it("begin with the loopback alone, which cannot be deleted", async () => {
      expect(await linkNames()).toEqual(["lo"]);
      expect(await outcomes(change("delete", "link", { name: "lo" }))).toEqual(["ENOTSUP"]);
    });

    it("come in pairs, know each other and go together", async () => {
      await prepare(addPair);
      expect(await linkAt(left)).toMatchObject({ name: "left", link: right, info: { kind: "veth" } });
      expect(await linkAt(right)).toMatchObject({ name: "right", link: left, info: { kind: "veth" } });
      await prepare(change("delete", "link", { name: "right" }));
      expect(await linkNames()).toEqual(["lo"]);
    });

    it("are made once", async () => {
      expect(await outcomes(addPair, addPair)).toEqual(["ok", "EEXIST"]);
      expect(await outcomes(change("add", "link", { name: "left", info: { kind: "bridge" } }))).toEqual(["EEXIST"]);
    });

    it("have their other end born in another namespace, and take it along", async () => {
      const peer = { ...peerHeader, index: 0, name: "eth0", address: "02:00:00:00:00:07", netnsFd: bench.otherFd };
      await prepare(change("add", "link", { name: "left", ...up, info: { kind: "veth", peer } }));
      expect(await linkNames()).toEqual(["left", "lo"]);
      const far = (await bench.other.links()).find((link) => link.name === "eth0");
      expect(far).toMatchObject({ address: "02:00:00:00:00:07", info: { kind: "veth" } });
      expect(far!.flags).not.toContain("up");
      await prepare(change("delete", "link", { name: "left" }));
      expect(await linkNames(bench.other)).toEqual(["lo"]);
    });

    it("refuse a peer that shall be up at birth: its other end is not there yet", async () => {
      const peer = { ...peerHeader, ...up, index: 0, name: "right" };
      expect(await outcomes(change("add", "link", { name: "left", info: { kind: "veth", peer } }))).toEqual([
        "ENOTCONN",
      ]);
      expect(await linkNames()).toEqual(["lo"]);
    });

    it("want a master that is there and is one", async () => {
      expect(await outcomes(change("add", "link", { name: "b", master: 99, info: { kind: "bridge" } }))).toEqual([
        "EINVAL",
      ]);
      await prepare(addPair, addBridge);
      expect(
        await outcomes(
          change("change", "link", { index: left, master: 99 }),
          change("change", "link", { index: left, master: right }),
        ),
      ).toEqual(["EINVAL", "ENOTSUP"]);
    });

    it("are ports of a bridge until it goes", async () => {
      await prepare(addBridge, addPair, change("change", "link", { index: left, master: bridge }));
      await prepare(change("change", "link", { index: left, info: { slave: { kind: "bridge", hairpin: true } } }));
      expect(await linkAt(left)).toMatchObject({ master: bridge, info: { slave: { kind: "bridge", hairpin: true } } });
      expect((await bench.port.links({ master: bridge })).map((link) => link.name)).toEqual(["left"]);
      await prepare(change("delete", "link", { index: bridge }));
      expect((await linkAt(left))!.master).toBeUndefined();
    });

    it("are renamed, resized and brought up; one that is not there is ENODEV", async () => {
      await prepare(addPair, change("change", "link", { index: left, name: "west", mtu: 1400, ...up }));
      const link = await linkAt(left);
      expect(link).toMatchObject({ name: "west", mtu: 1400 });
      expect(link!.flags).toContain("up");
      expect(
        await outcomes(change("change", "link", { index: 99, ...up }), change("delete", "link", { name: "none" })),
      ).toEqual(["ENODEV", "ENODEV"]);
    });

    it("carry a VXLAN identifier once", async () => {
      const info = { kind: "vxlan", id: 7, port: 4789 } as const;
      expect(await outcomes(addVxlan, change("add", "link", { name: "second", info }))).toEqual(["ok", "EEXIST"]);
      const below = change("add", "link", { name: "third", info: { ...info, id: 8, link: 99 } });
      expect(await outcomes(below)).toEqual(["ENODEV"]);
    });

    it("go with the link below them", async () => {
      await prepare(addPair);
      await prepare(change("add", "link", { name: "above", info: { kind: "vxlan", id: 9, port: 4789, link: left } }));
      await prepare(change("delete", "link", { index: left }));
      expect(await linkNames()).toEqual(["lo"]);
    });

    it("are listed by kind", async () => {
      await prepare(addPair, addBridge, addVxlan);
      expect((await bench.port.links({ kind: "vxlan" })).map((link) => link.info)).toMatchObject([
        { kind: "vxlan", id: 7, port: 4789, local: "10.1.0.1", learning: false },
      ]);
    });
  });

  describe("addresses", () => {
    it("are added once, replaced and deleted", async () => {
      await prepare(addPair);
      const value = address("10.1.0.1", 24);
      expect(
        await outcomes(
          change("add", "address", value),
          change("add", "address", value),
          change("replace", "address", value),
        ),
      ).toEqual(["ok", "EEXIST", "ok"]);
      expect(await bench.port.addresses({ index: left })).toMatchObject([
        { family: "ip", local: "10.1.0.1", prefixLength: 24, index: left },
      ]);
      expect(await outcomes(change("delete", "address", value), change("delete", "address", value))).toEqual([
        "ok",
        "EADDRNOTAVAIL",
      ]);
      expect(await bench.port.addresses({ index: left })).toEqual([]);
    });

    it("are of either family", async () => {
      await prepare(...ready);
      const addresses = await bench.port.addresses({ family: "ip6", index: left });
      expect(addresses).toMatchObject([{ family: "ip6", address: "fd01::1", prefixLength: 64 }]);
      expect(await outcomes(change("add", "address", address("fd01::1", 64)))).toEqual(["EEXIST"]);
      expect(await outcomes(change("delete", "address", address("fd01::9", 64)))).toEqual(["EADDRNOTAVAIL"]);
    });

    it("of one subnet go with the first of them; the last takes the routes of its link along", async () => {
      const first = address("10.1.0.1", 24);
      await prepare(
        ...ready,
        change("add", "address", address("10.1.0.5", 24)),
        change("add", "address", address("10.7.0.1", 24)),
        change("add", "route", { ...route("10.2.0.0", 16), outInterface: left, preferredSource: ip("10.1.0.1") }),
        change("add", "route", { ...route("10.3.0.0", 16), gateway: ip("10.1.0.2") }),
      );
      const own = async () => (await bench.port.addresses({ family: "ip" })).map((a) => a.local);
      const subnets = async () => (await bench.port.routes({ family: "ip" })).map((r) => r.destination);
      expect(await subnets()).toEqual(["10.1.0.0", "10.2.0.0", "10.3.0.0", "10.7.0.0"]);
      await prepare(change("delete", "address", first));
      expect(await own()).toEqual(["10.7.0.1"]);
      expect(await subnets()).toEqual(["10.3.0.0", "10.7.0.0"]);
      await prepare(change("delete", "address", address("10.7.0.1", 24)));
      expect(await subnets()).toEqual([]);
    });

    it("of the loopback come when it is brought up", async () => {
      await prepare(set(1, up));
      expect((await bench.port.addresses({ index: 1 })).map((a) => a.address)).toEqual(["127.0.0.1", "::1"]);
      expect(await bench.port.routes()).toEqual([]);
    });

    it("want a link", async () => {
      expect(await outcomes(change("add", "address", address("10.1.0.1", 24, 99)))).toEqual(["ENODEV"]);
      expect(await outcomes(change("add", "address", address("fd01::1", 64, 99)))).toEqual(["ENODEV"]);
    });
  });

  describe("routes", () => {
    const destinations = async (filter = {}) =>
      (await bench.port.routes(filter)).map((r) => `${r.destination ?? "default"}/${r.destinationPrefixLength}`);

    it("to the subnet come with an address on a link that is up", async () => {
      await prepare(addPair, change("add", "address", address("10.1.0.1", 24)));
      expect(await destinations({ family: "ip" })).toEqual([]);
      await prepare(set(left, up));
      expect(await bench.port.routes({ family: "ip" })).toMatchObject([
        {
          ...{ destination: "10.1.0.0", destinationPrefixLength: 24, outInterface: left, table: 254 },
          ...{ protocol: "kernel", scope: "link", preferredSource: "10.1.0.1" },
        },
      ]);
      await prepare(change("add", "address", { ...address("10.9.0.1", 24), flags: ["noPrefixRoute"] }));
      expect(await destinations({ family: "ip" })).toEqual(["10.1.0.0/24"]);
    });

    it("are added once, replaced, changed and deleted", async () => {
      await prepare(...ready);
      const value = { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") };
      const elsewhere = { ...value, gateway: ip("10.1.0.3") };
      expect(
        await outcomes(
          change("change", "route", value),
          change("add", "route", value),
          change("add", "route", elsewhere),
          change("replace", "route", elsewhere),
        ),
      ).toEqual(["ENOENT", "ok", "EEXIST", "ok"]);
      expect(await bench.port.routes({ protocol: "static" })).toMatchObject([
        { destination: "10.2.0.0", gateway: "10.1.0.3", outInterface: left, scope: "universe", kind: "unicast" },
      ]);
      expect(await outcomes(change("delete", "route", value), change("delete", "route", elsewhere))).toEqual([
        "ESRCH",
        "ok",
      ]);
      expect(await destinations({ protocol: "static" })).toEqual([]);
    });

    it("may be appended beside one of the same key", async () => {
      await prepare(...ready);
      const value = { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") };
      const beside = { ...value, gateway: ip("10.1.0.3") };
      expect(
        await outcomes(
          change("append", "route", value),
          change("append", "route", beside),
          change("append", "route", beside),
        ),
      ).toEqual(["ok", "ok", "EEXIST"]);
      expect((await bench.port.routes({ protocol: "static" })).map((r) => r.gateway)).toEqual(["10.1.0.2", "10.1.0.3"]);
    });

    it("of one destination stand side by side with other priorities", async () => {
      await prepare(...ready);
      const value = { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") };
      await prepare(change("add", "route", { ...value, priority: 5 }), change("add", "route", value));
      expect((await bench.port.routes({ protocol: "static" })).map((r) => r.priority)).toEqual([undefined, 5]);
      await prepare(change("delete", "route", { ...value, priority: 5 }));
      expect((await bench.port.routes({ protocol: "static" })).map((r) => r.priority)).toEqual([undefined]);
    });

    it("want a gateway that is reached and a link that is there and up", async () => {
      await prepare(...ready);
      const far = { ...route("10.2.0.0", 16), gateway: ip("10.5.0.1") };
      expect(
        await outcomes(
          change("add", "route", far),
          change("add", "route", { ...far, outInterface: left }),
          change("add", "route", { ...route("10.2.0.0", 16), outInterface: 99 }),
          change("add", "route", { ...route("10.2.0.1", 16), outInterface: left }),
          set(right, down),
          change("add", "route", { ...route("10.2.0.0", 16), outInterface: right }),
          change("add", "route", { ...far, outInterface: left, flags: ["onlink"] }),
        ),
      ).toEqual(["ENETUNREACH", "ENETUNREACH", "ENODEV", "EINVAL", "ok", "ENETDOWN", "ok"]);
    });

    it("of IPv6 have a priority of 1024 where none is given", async () => {
      await prepare(...ready);
      const value = { ...route("fd02::", 64), gateway: ip("fd01::2") };
      expect(
        await outcomes(
          change("add", "route", value),
          change("add", "route", value),
          change("add", "route", { ...value, gateway: ip("fd05::1") }),
          change("add", "route", { ...route("fd03::", 64), gateway: ip("fd05::1") }),
          change("add", "route", { ...route("fd03::", 64), outInterface: 99 }),
        ),
      ).toEqual(["ok", "EEXIST", "EHOSTUNREACH", "EHOSTUNREACH", "ENODEV"]);
      expect(await bench.port.routes({ family: "ip6", protocol: "static" })).toMatchObject([
        { destination: "fd02::", destinationPrefixLength: 64, priority: 1024, outInterface: left },
      ]);
      expect(await outcomes(change("delete", "route", value), change("delete", "route", value))).toEqual([
        "ok",
        "ESRCH",
      ]);
    });

    it("may lead nowhere, and stand in any table", async () => {
      await prepare(...ready);
      expect(await bench.port.routes({ table: 1234 })).toEqual([]);
      await prepare(
        change("add", "route", { ...route("10.2.0.0", 16), kind: "blackhole", table: 1234 }),
        change("add", "route", { ...route("10.3.0.0", 16), outInterface: left, table: 1234 }),
      );
      expect(await destinations({ table: 1234, kind: "blackhole" })).toEqual(["10.2.0.0/16"]);
      expect(await destinations({ table: 1234, outInterface: left })).toEqual(["10.3.0.0/16"]);
      expect(await destinations({ protocol: "static", table: 254 })).toEqual([]);
    });

    it("go with their link: IPv4's when it is down, with IPv6's addresses", async () => {
      await prepare(...ready, change("add", "route", { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") }));
      await prepare(set(left, down));
      expect(await destinations()).toEqual([]);
      expect((await bench.port.addresses({ index: left })).map((a) => a.address)).toEqual(["10.1.0.1"]);
      await prepare(set(left, up));
      expect(await destinations()).toEqual(["10.1.0.0/24"]);
    });
  });

  it("what belongs to a link goes with it", async () => {
    await prepare(
      ...ready,
      change("add", "route", { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") }),
      change("add", "neighbor", { index: left, destination: ip("10.1.0.2"), linkAddress: "02:00:00:00:00:02" }),
      change("delete", "link", { index: left }),
    );
    expect(await bench.port.addresses()).toEqual([]);
    expect(await bench.port.routes()).toEqual([]);
    expect((await bench.port.neighbors()).filter((n) => n.index === left)).toEqual([]);
  });

  describe("rules", () => {
    const priorities = async () => (await bench.port.rules({ family: "ip" })).map((rule) => rule.priority ?? 0);

    it("begin with the kernel's three, and take others before them", async () => {
      expect(await priorities()).toEqual([0, 32766, 32767]);
      const value = { mark: 0x4000, markMask: 0x4000, table: 100, priority: 90 };
      expect(await outcomes(change("add", "rule", value), change("add", "rule", value))).toEqual(["ok", "EEXIST"]);
      await prepare(change("add", "rule", { ...route("10.2.0.0", 16), table: 101 }));
      expect(await priorities()).toEqual([0, 89, 90, 32766, 32767]);
      expect((await bench.port.rules({ family: "ip" }))[2]).toMatchObject({ ...value, action: "lookup" });
      expect(await outcomes(change("delete", "rule", value), change("delete", "rule", value))).toEqual([
        "ok",
        "ENOENT",
      ]);
    });

    it("of IPv6 are its own", async () => {
      await prepare(change("add", "rule", { family: "ip6", mark: 1, table: 100, priority: 90 }));
      expect(await priorities()).toEqual([0, 32766, 32767]);
      expect((await bench.port.rules({ family: "ip6" })).map((rule) => rule.priority ?? 0)).toEqual([0, 90, 32766]);
    });
  });

  describe("neighbours", () => {
    const value = { index: left, destination: ip("10.1.0.2"), linkAddress: "02:00:00:00:00:02" };
    const known = async () =>
      (await bench.port.neighbors({ index: left }))
        .filter((n) => n.state === "permanent")
        .map((n) => `${n.destination} ${n.linkAddress}`);

    it("are added once, replaced and deleted", async () => {
      await prepare(...ready);
      const elsewhere = { ...value, linkAddress: "02:00:00:00:00:03" };
      expect(
        await outcomes(
          change("change", "neighbor", value),
          change("add", "neighbor", value),
          change("add", "neighbor", elsewhere),
          change("replace", "neighbor", elsewhere),
        ),
      ).toEqual(["ENOENT", "ok", "EEXIST", "ok"]);
      expect(await known()).toEqual(["10.1.0.2 02:00:00:00:00:03"]);
      expect(await outcomes(change("delete", "neighbor", value), change("delete", "neighbor", value))).toEqual([
        "ok",
        "ENOENT",
      ]);
      expect(await known()).toEqual([]);
    });

    it("want a link, and go when it is down", async () => {
      await prepare(...ready, change("add", "neighbor", value));
      expect(await outcomes(change("add", "neighbor", { ...value, index: 99 }))).toEqual(["ENODEV"]);
      await prepare(set(left, down));
      expect(await known()).toEqual([]);
    });
  });

  describe("forwarding entries", () => {
    const entry = { index: vxlan, linkAddress: "02:00:00:00:00:02", destination: ip("10.1.0.2") };
    const flood = { ...entry, linkAddress: "00:00:00:00:00:00" };
    const second = { destination: ip("10.1.0.3") };
    const remotes = async (linkAddress: string) =>
      (await bench.port.fdb({ index: vxlan }))
        .filter((n) => n.linkAddress === linkAddress)
        .map((n) => n.destination)
        .sort();

    it("of a VXLAN device name one remote end, or several where packets are flooded", async () => {
      await prepare(...ready, addVxlan);
      expect(
        await outcomes(
          change("add", "fdb", entry),
          change("add", "fdb", { ...entry, ...second }),
          // The kernel says yes and does nothing: an address that is one machine's has one remote end.
          change("append", "fdb", { ...entry, ...second }),
        ),
      ).toEqual(["ok", "EEXIST", "ok"]);
      expect(await remotes(entry.linkAddress)).toEqual(["10.1.0.2"]);
      expect(
        await outcomes(
          change("replace", "fdb", { ...entry, ...second }),
          change("append", "fdb", flood),
          change("append", "fdb", { ...flood, ...second }),
        ),
      ).toEqual(["ok", "ok", "ok"]);
      expect(await remotes(entry.linkAddress)).toEqual(["10.1.0.3"]);
      expect(await remotes(flood.linkAddress)).toEqual(["10.1.0.2", "10.1.0.3"]);
      await prepare(change("delete", "fdb", flood));
      expect(await remotes(flood.linkAddress)).toEqual(["10.1.0.3"]);
      expect(
        await outcomes(
          change("delete", "fdb", { ...entry, ...second }),
          change("delete", "fdb", { ...entry, ...second }),
        ),
      ).toEqual(["ok", "ENOENT"]);
    });

    it("of a bridge belong to its ports", async () => {
      const value = { index: left, linkAddress: "02:00:00:00:00:02" };
      await prepare(addPair, addBridge);
      expect(await outcomes(change("add", "fdb", value))).toEqual(["ENOTSUP"]);
      await prepare(change("change", "link", { index: left, master: bridge }));
      expect(await outcomes(change("add", "fdb", value), change("add", "fdb", value))).toEqual(["ok", "EEXIST"]);
      expect(await bench.port.fdb({ master: bridge })).toContainEqual(
        expect.objectContaining({ ...value, master: bridge, state: "noarp" }),
      );
      expect(await outcomes(change("delete", "fdb", value), change("delete", "fdb", value))).toEqual(["ok", "ENOENT"]);
    });
  });

  describe("traffic control", () => {
    /** Classic BPF's "return": 0 is TC_ACT_OK, 2 TC_ACT_SHOT. */
    const verdict = (value: number) => [{ code: 6, jumpTrue: 0, jumpFalse: 0, value }];
    const clsact = { index: left, parent: "clsact", kind: "clsact" } as const;
    const pass = {
      ...({ index: left, parent: "ingress", protocol: "all", priority: 1, handle: 1, kind: "bpf" } as const),
      ...({ instructionCount: 1, instructions: verdict(0), flags: ["directAction"] } as const),
    };
    const kinds = async () => (await bench.port.qdiscs({ index: left })).map((qdisc) => qdisc.kind);
    const verdicts = async () =>
      (await bench.port.filters({ index: left, parent: "ingress" })).map((filter) =>
        filter.kind === "bpf" ? filter.instructions?.[0]?.value : filter.kind,
      );

    it("has one clsact on a link", async () => {
      await prepare(addPair);
      expect(
        await outcomes(
          change("delete", "qdisc", clsact),
          change("add", "qdisc", clsact),
          change("add", "qdisc", clsact),
          change("add", "qdisc", { ...clsact, index: 99 }),
        ),
      ).toEqual(["ENOENT", "ok", "EEXIST", "ENODEV"]);
      expect(await kinds()).toContain("clsact");
      await prepare(change("delete", "qdisc", clsact));
      expect(await kinds()).not.toContain("clsact");
    });

    it("has filters on clsact, which go with it", async () => {
      await prepare(addPair);
      expect(await outcomes(change("add", "filter", pass))).toEqual(["EINVAL"]);
      await prepare(change("add", "qdisc", clsact));
      expect(
        await outcomes(
          change("add", "filter", pass),
          change("add", "filter", pass),
          change("replace", "filter", { ...pass, instructions: verdict(2) }),
        ),
      ).toEqual(["ok", "EEXIST", "ok"]);
      expect(await verdicts()).toEqual([2]);
      expect(await outcomes(change("delete", "filter", pass), change("delete", "filter", pass))).toEqual([
        "ok",
        "ENOENT",
      ]);
      await prepare(change("add", "filter", pass), change("delete", "qdisc", clsact), change("add", "qdisc", clsact));
      expect(await verdicts()).toEqual([]);
    });
  });

  describe("applying", () => {
    it("goes on after a refusal, and says what was refused in the kernel's words", async () => {
      const [missing, ok] = await bench.port.apply([change("delete", "link", { name: "none" }), addPair]);
      expect(ok).toBeNull();
      expect(missing).toMatchObject({ code: "NETLINK_REFUSED", subject: "delete link none" });
    });

    it("throws for a value that does not fit", async () => {
      const long = change("add", "link", { name: "a-name-of-16-byte", info: { kind: "bridge" } });
      await expect(async () => bench.port.apply([long])).rejects.toMatchObject({
        code: "NETLINK_ENCODE",
        subject: "name",
      });
    });

    it("is over once the port is closed", async () => {
      bench.port.close();
      bench.port.close();
      await expect(bench.port.apply([addBridge])).rejects.toMatchObject({ code: "NATIVE_CALL" });
      await expect(bench.port.links()).rejects.toMatchObject({ code: "NATIVE_CALL" });
    });

    it("takes no changes for none", async () => {
      expect(await bench.port.apply([])).toEqual([]);
    });
  });

  it("watchers are told of every change until they close", async () => {
    const events: RoutingEvent[] = [];
    const seen = (event: string, object: string, value: object) =>
      vi.waitFor(() => expect(events).toContainEqual({ event, object, value: expect.objectContaining(value) }), 2000);
    const watch = await bench.port.watch((event) => events.push(event));
    await prepare(...ready);
    await seen("new", "link", { index: left, name: "left" });
    await seen("new", "address", { index: left, local: "10.1.0.1" });
    await prepare(
      change("add", "route", { ...route("10.2.0.0", 16), gateway: ip("10.1.0.2") }),
      change("add", "neighbor", { index: left, destination: ip("10.1.0.2"), linkAddress: "02:00:00:00:00:02" }),
    );
    await seen("new", "route", { destination: "10.2.0.0", gateway: "10.1.0.2" });
    await seen("new", "neighbor", { destination: "10.1.0.2" });
    await prepare(change("delete", "route", route("10.2.0.0", 16)));
    await seen("delete", "route", { destination: "10.2.0.0" });
    await prepare(change("delete", "link", { index: left }));
    await seen("delete", "address", { local: "10.1.0.1" });
    await seen("delete", "link", { index: right });
    watch.close();
    const count = events.length;
    await prepare(addBridge);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(events).toHaveLength(count);
  });
}
