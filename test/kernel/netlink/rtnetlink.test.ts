/** What the codecs program is what iproute2 reports. */
import { describe, expect, it } from "vitest";
import { native } from "../../../src/kernel/native.ts";
import { noLinkHeader } from "../../../src/kernel/netlink/rtnetlink/link.ts";
import { tcHandle } from "../../../src/kernel/netlink/rtnetlink/tc.ts";
import type { RoutingChange, RoutingEvent } from "../../../src/kernel/ports.ts";
import { openRouting } from "../../../src/kernel/real/routing.ts";
import { run, withNamespace } from "../../fixtures/namespace.ts";
import { ip, pair, up, useBench, type Json } from "./rtnetlink_bench.ts";

const bench = useBench();

describe("what we program is what iproute2 reports", () => {
  it("links: bridge, its port's settings, VXLAN, macvlan, ifb", async () => {
    await bench().program(
      ...pair,
      { verb: "add", object: "link", value: { index: 20, name: "br0", info: { kind: "bridge", ageingTime: 5000 } } },
      { verb: "change", object: "link", value: { index: 11, master: 20 } },
      {
        ...({ verb: "change", object: "link" } as const),
        value: { index: 11, info: { slave: { kind: "bridge", hairpin: true, isolated: true, neighSuppress: true } } },
      },
      {
        ...({ verb: "add", object: "link" } as const),
        value: {
          ...{ index: 30, name: "vx", mtu: 1450, txQueueLength: 77 },
          info: {
            ...({ kind: "vxlan", id: 7, port: 4789, local: ip("10.1.0.1"), link: 10, learning: false } as const),
            ...{ ttl: 9, portRange: { low: 1000, high: 2000 }, l2miss: true, udpChecksum: false },
          },
        },
      },
      { verb: "add", object: "link", value: { name: "mv", link: 10, info: { kind: "macvlan", mode: "bridge" } } },
      { verb: "add", object: "link", value: { name: "ifb", info: { kind: "ifb" } } },
    );
    expect(await bench().tool("ip -d link show right")).toMatchObject([
      {
        master: "br0",
        linkinfo: {
          info_kind: "veth",
          info_slave_kind: "bridge",
          info_slave_data: { hairpin: true, isolated: true, neigh_suppress: true, learning: true },
        },
      },
    ]);
    expect(await bench().tool("ip -d link show br0")).toMatchObject([
      { linkinfo: { info_data: { ageing_time: 5000 } } },
    ]);
    expect(await bench().tool("ip -d link show vx")).toMatchObject([
      {
        ...{ mtu: 1450, txqlen: 77 },
        linkinfo: {
          info_kind: "vxlan",
          info_data: {
            ...{ id: 7, port: 4789, local: "10.1.0.1", link: "left", learning: false, ttl: 9 },
            ...{ port_range: { low: 1000, high: 2000 }, l2miss: true, udp_csum: false },
          },
        },
      },
    ]);
    expect(await bench().tool("ip -d link show mv")).toMatchObject([{ linkinfo: { info_data: { mode: "bridge" } } }]);
    expect(await bench().tool("ip -d link show ifb")).toMatchObject([{ linkinfo: { info_kind: "ifb" } }]);
  });

  it("addresses, with label, broadcast and flags", async () => {
    await bench().program(
      ...pair,
      {
        ...({ verb: "add", object: "address" } as const),
        value: {
          ...{ index: 10, local: ip("10.7.0.1"), prefixLength: 16, broadcast: ip("10.7.255.255"), label: "left:x" },
          flags: ["noPrefixRoute"],
        },
      },
      {
        ...({ verb: "add", object: "address" } as const),
        value: { index: 10, local: ip("fd01::1"), prefixLength: 64, flags: ["noDad"] },
      },
    );
    const [left] = (await bench().tool("ip addr show left")) as [{ addr_info: Json[] }];
    expect(left.addr_info.filter((info) => info["scope"] === "global")).toMatchObject([
      { local: "10.1.0.1", prefixlen: 24 },
      { local: "10.7.0.1", prefixlen: 16, broadcast: "10.7.255.255", label: "left:x", noprefixroute: true },
      { local: "fd01::1", prefixlen: 64, nodad: true },
    ]);
  });

  it("routes, with metrics, several next hops and a gateway of the other family", async () => {
    const to = (destination: string) => ({ destination: ip(destination), destinationPrefixLength: 16 });
    const nextHops = [
      { flags: [], hops: 2, outInterface: 0, gateway: ip("10.1.0.2") },
      { flags: [], hops: 0, outInterface: 10, gateway: ip("10.1.0.3") },
    ];
    await bench().program(
      ...pair,
      {
        ...({ verb: "add", object: "route" } as const),
        value: { ...to("10.5.0.0"), nextHops, metrics: { lock: 1 << 2, mtu: 1400, advmss: 1300 } },
      },
      {
        ...({ verb: "add", object: "route" } as const),
        value: { ...to("10.6.0.0"), outInterface: 10, via: { family: "ip6", address: ip("fe80::1") } },
      },
      { verb: "add", object: "route", value: { ...to("10.8.0.0"), kind: "unreachable", table: 1000, priority: 5 } },
    );
    expect(await bench().tool("ip route show 10.5.0.0/16")).toMatchObject([
      {
        metrics: [{ mtu: 1400, advmss: 1300 }],
        nexthops: [
          { gateway: "10.1.0.2", dev: "left", weight: 3 },
          { gateway: "10.1.0.3", dev: "left", weight: 1 },
        ],
      },
    ]);
    expect(await bench().tool("ip route show 10.6.0.0/16")).toMatchObject([
      { via: { family: "inet6", host: "fe80::1" }, dev: "left", protocol: "static" },
    ]);
    expect(await bench().tool("ip route show table 1000")).toMatchObject([
      { type: "unreachable", dst: "10.8.0.0/16", metric: 5 },
    ]);
  });

  it("rules, neighbours and forwarding entries", async () => {
    const linkAddress = "02:00:00:00:00:02";
    await bench().program(
      ...pair,
      { verb: "add", object: "link", value: { index: 30, name: "vx", info: { kind: "vxlan", id: 7, port: 4789 } } },
      {
        ...({ verb: "add", object: "rule" } as const),
        value: {
          ...{ source: ip("10.0.0.0"), sourcePrefixLength: 8, inInterface: "left", mark: 1, markMask: 0xff },
          ...{ ipProtocol: 6, destinationPorts: { start: 80, end: 90 }, table: 100, priority: 55 },
          suppressPrefixLength: 0,
        },
      },
      { verb: "add", object: "neighbor", value: { index: 10, destination: ip("10.1.0.2"), linkAddress } },
      {
        ...({ verb: "append", object: "fdb" } as const),
        value: { index: 30, linkAddress: "00:00:00:00:00:00", destination: ip("10.1.0.9"), vni: 8, port: 999 },
      },
    );
    expect(await bench().tool("ip rule show priority 55")).toMatchObject([
      {
        ...{ src: "10.0.0.0", srclen: 8, iif: "left", fwmark: "0x1", fwmask: "0xff", ipproto: "tcp", table: "100" },
        ...{ dport_start: 80, dport_end: 90, suppress_prefixlen: 0 },
      },
    ]);
    expect(await bench().tool("ip neigh show 10.1.0.2")).toMatchObject([{ lladdr: linkAddress, state: ["PERMANENT"] }]);
    expect(await bench().tool("bridge fdb show dev vx")).toMatchObject([
      { mac: "00:00:00:00:00:00", dst: "10.1.0.9", vni: 8, port: 999, flags: ["self"], state: "permanent" },
    ]);
  });

  it("queueing disciplines and filters", async () => {
    const rate = { cellLog: 0, linkLayer: 1, overhead: 0, cellAlign: 0, minPacket: 0, rate: 125_000 };
    const parameters = { rate, peakRate: { ...rate, linkLayer: 0, rate: 0 }, limit: 20_000, buffer: 0, mtu: 0 };
    await bench().program(
      ...pair,
      {
        ...({ verb: "replace", object: "qdisc" } as const),
        value: { index: 10, handle: tcHandle(1, 0), parent: "root", kind: "tbf", parameters, burst: 10_000 },
      },
      { verb: "add", object: "qdisc", value: { index: 10, parent: "clsact", kind: "clsact" } },
      {
        ...({ verb: "add", object: "filter" } as const),
        value: {
          ...({ index: 10, parent: "egress", protocol: "ip", priority: 3, kind: "bpf" } as const),
          ...{ instructionCount: 1, instructions: [{ code: 6, jumpTrue: 0, jumpFalse: 0, value: 0 }] },
          flags: ["directAction"],
        },
      },
    );
    const tbf = { kind: "tbf", handle: "1:", root: true, options: { rate: 125_000, burst: 10_000 } };
    expect(await bench().tool("tc qdisc show dev left")).toMatchObject([tbf, { kind: "clsact", parent: "ffff:fff1" }]);
    expect(await bench().tool("tc filter show dev left egress")).toContainEqual(
      expect.objectContaining({
        ...{ protocol: "ip", pref: 3, kind: "bpf" },
        options: expect.objectContaining({ "direct-action": true, bytecode: expect.anything() as unknown }) as unknown,
      }),
    );
  });
});

it("a veth's peer is born in the other namespace", async () => {
  await withNamespace(async (pod) => {
    const address = "0a:58:0a:f4:01:02";
    const far = { ...noLinkHeader, name: "eth0", address, mtu: 1400, netnsFd: pod.fd };
    await bench().program({
      ...({ verb: "add", object: "link" } as const),
      value: { name: "near", mtu: 1400, ...up, info: { kind: "veth", peer: far } },
    });
    expect(await bench().tool("ip -d link show eth0", pod)).toMatchObject([
      { ifname: "eth0", address, mtu: 1400, linkinfo: { info_kind: "veth" }, link_netnsid: 0 },
    ]);
    expect(await bench().oneLink("near")).toMatchObject({ info: { kind: "veth" }, linkNetnsId: 0 });
    expect((await bench().oneLink("near")).flags).toContain("up");
  });
});

describe("kinds of links that this kernel may lack", () => {
  const kinds = ["dummy", "wireguard", "ipvlan", "vlan"] as const;

  it.each(kinds)("%s is made, or refused to iproute2 as well", async (kind) => {
    await bench().program(...pair);
    const info = kind === "vlan" ? ({ kind, id: 5 } as const) : ({ kind } as const);
    const below = kind === "ipvlan" || kind === "vlan" ? { link: 10 } : {};
    const [error] = await bench().port.apply([
      { verb: "add", object: "link", value: { name: "probe", ...below, info } },
    ]);
    if (!error) return expect(await bench().oneLink("probe")).toMatchObject({ info });
    // EOPNOTSUPP with these words: the kernel has no such kind, and the vm project tests it.
    expect(error.reason).toContain("Unknown device type");
    const words = [...(below.link ? ["link", "left"] : []), "name", "other", "type", kind];
    if (kind === "vlan") words.push("id", "5");
    await expect(run(bench().namespace, ["ip", "link", "add", ...words])).rejects.toThrow("Unknown device type");
  });
});

it("a port that leaves its bridge is not a link that is gone", async () => {
  const events: RoutingEvent[] = [];
  await bench().port.watch((event) => events.push(event));
  await bench().program(
    ...pair,
    { verb: "add", object: "link", value: { index: 20, name: "br0", info: { kind: "bridge" } } },
    { verb: "change", object: "link", value: { index: 11, master: 20 } },
    { verb: "change", object: "link", value: { index: 11, master: 0 } },
    { verb: "delete", object: "link", value: { index: 20 } },
  );
  const gone = (): unknown[] => events.filter((e) => e.event === "delete" && e.object === "link").map(linkIndexOf);
  await expect.poll(gone).toEqual([20]);
  expect(events.map((event) => event.event)).not.toContain("overrun");
});

const linkIndexOf = (event: RoutingEvent): unknown =>
  "object" in event && event.object === "link" ? event.value.index : undefined;

it("ten thousand routes go in, one in ten is refused, and each outcome is its own", async () => {
  await bench().program(...pair);
  const changes = Array.from({ length: 10_000 }, (_, i): RoutingChange => {
    const destination = ip(`10.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`);
    // 10.200.0.1 is on no link.
    const gateway = ip(i % 10 === 7 ? "10.200.0.1" : "10.1.0.2");
    return { verb: "add", object: "route", value: { destination, gateway, protocol: "bgp" } };
  });
  const outcomes = await bench().port.apply(changes);
  expect(outcomes.findIndex((error, i) => (error !== null) !== (i % 10 === 7))).toBe(-1);
  expect(outcomes[7]!.message).toMatch(/^cannot add route 10\.100\.0\.7 via 10\.200\.0\.1: ENETUNREACH/);
  expect(await bench().port.routes({ protocol: "bgp" })).toHaveLength(9000);
});

it("native handles are closed with the port", async () => {
  const before = native().openHandles();
  const other = await openRouting({ namespace: bench().namespace });
  await other.watch(() => {});
  other.close();
  expect(native().openHandles()).toEqual(before);
});
