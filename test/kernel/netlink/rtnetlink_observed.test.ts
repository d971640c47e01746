/** What iproute2 programs is what the codecs report, and what the npm package `netlink` reports too. */
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { ipBytes } from "../../../src/model/address.ts";
import { decodeBody } from "../../../src/kernel/netlink/codec/message.ts";
import { bridgePortMessage } from "../../../src/kernel/netlink/rtnetlink/bridge.ts";
import { routeMessage } from "../../../src/kernel/netlink/rtnetlink/common.ts";
import { noLinkHeader } from "../../../src/kernel/netlink/rtnetlink/link.ts";
import { tcHandle } from "../../../src/kernel/netlink/rtnetlink/tc.ts";
import { NetlinkClient, netlinkProtocol } from "../../../src/kernel/real/netlink_client.ts";
import { run } from "../../fixtures/namespace.ts";
import { ip, pair, useBench, type Json } from "./rtnetlink_bench.ts";

const bench = useBench();

describe("what iproute2 programs is what we report", () => {
  beforeEach(() =>
    bench().commands(
      "ip link add left index 10 type veth peer name right index 11",
      "ip link set left up",
      "ip link set right up",
      "ip addr add 10.1.0.1/24 dev left",
    ),
  );

  it("links", async () => {
    await bench().commands(
      "ip link add br0 type bridge priority 4096 group_fwd_mask 8 forward_delay 400",
      "ip link set right master br0",
      "ip link set right type bridge_slave hairpin on learning off cost 7",
      "ip link add vx mtu 1400 type vxlan id 9 group 239.1.1.1 dev left dstport 8472 ageing 33",
      "ip link add vx6 type vxlan local fd00::1 dstport 4790 external gbp",
      "ip link set left alias uplink",
      "ip link property add dev left altname another-name-that-is-long",
    );
    expect(await bench().oneLink("br0")).toMatchObject({
      info: { kind: "bridge", priority: 4096, groupForwardMask: 8, forwardDelay: 400, spanningTree: 0 },
    });
    const { index } = await bench().oneLink("br0");
    expect(await bench().oneLink("right")).toMatchObject({
      master: index,
      info: { kind: "veth", slave: { kind: "bridge", hairpin: true, learning: false, cost: 7, state: "disabled" } },
    });
    expect(await bench().oneLink("vx")).toMatchObject({
      mtu: 1400,
      info: { kind: "vxlan", id: 9, group: "239.1.1.1", link: 10, port: 8472, ageing: 33, learning: true },
    });
    expect(await bench().oneLink("vx6")).toMatchObject({
      info: { kind: "vxlan", local6: "fd00::1", port: 4790, collectMetadata: true, groupPolicy: true },
    });
    expect(await bench().oneLink("left")).toMatchObject({
      ...{ alias: "uplink", hardwareType: "ether", link: 11, operState: "up", carrier: true },
      properties: { altNames: ["another-name-that-is-long"] },
    });
  });

  it("the bridge's own view of its ports", async () => {
    await bench().commands(
      "ip link add br0 type bridge",
      "ip link set right master br0",
      "bridge link set dev right hairpin on",
    );
    const client = await NetlinkClient.open({ protocol: netlinkProtocol.route, namespace: bench().namespace });
    try {
      const body = { ...noLinkHeader, family: "bridge" } as const;
      const request = { type: routeMessage.getLink, flags: 0, codec: bridgePortMessage, body };
      const ports = (await client.dump(request, "list bridge ports")).map((m) => decodeBody(bridgePortMessage, m));
      expect(ports.find((one) => one.name === "right")).toMatchObject({
        family: "bridge",
        port: { hairpin: true, state: "disabled", neighSuppress: false },
      });
    } finally {
      client.close();
    }
  });

  it("routes and rules", async () => {
    await bench().commands(
      "ip route add 10.5.0.0/16 mtu lock 1400 proto bgp nexthop via 10.1.0.2 weight 3 nexthop via 10.1.0.3 dev left",
      "ip route add 10.6.0.0/16 via inet6 fe80::1 dev left metric 9 src 10.1.0.1",
      "ip route add throw 10.7.0.0/16 table 1000",
      "ip rule add not from 10.9.0.0/16 fwmark 0x10/0xf0 oif left goto 32766 prio 77",
      "ip -6 route add fd05::/64 via fe80::2 dev left pref high expires 600",
    );
    const routes = await bench().port.routes();
    const find = (destination: string) => routes.find((route) => route.destination === destination);
    expect(find("10.5.0.0")).toMatchObject({
      ...{ protocol: "bgp", metrics: { lock: 1 << 2, mtu: 1400 } },
      nextHops: [
        { hops: 2, outInterface: 10, gateway: "10.1.0.2" },
        { hops: 0, outInterface: 10, gateway: "10.1.0.3" },
      ],
    });
    expect(find("10.6.0.0")).toMatchObject({
      ...{ via: { family: "ip6", address: "fe80::1" }, priority: 9, preferredSource: "10.1.0.1", outInterface: 10 },
    });
    expect(find("10.7.0.0")).toMatchObject({ kind: "throw", table: 1000 });
    expect(find("fd05::")).toMatchObject({ gateway: "fe80::2", preference: "high", family: "ip6" });
    expect((await bench().port.rules({ family: "ip" })).find((rule) => rule.priority === 77)).toMatchObject({
      ...{ source: "10.9.0.0", sourcePrefixLength: 16, flags: ["invert"], mark: 0x10, markMask: 0xf0 },
      ...{ action: "goto", goto: 32766, outInterface: "left" },
    });
  });

  it("neighbours and forwarding entries", async () => {
    await bench().commands(
      "ip neigh add 10.1.0.2 lladdr 02:00:00:00:00:02 dev left nud stale router extern_learn",
      "ip link add vx type vxlan id 9 dstport 4789 remote 10.1.0.9",
      "bridge fdb add 02:00:00:00:00:03 dev vx dst 10.1.0.3 vni 12 port 1234",
      "ip link add br0 type bridge",
      "ip link set right master br0",
      "bridge fdb add 02:00:00:00:00:04 dev right master static",
    );
    expect((await bench().port.neighbors({ index: 10 })).find((n) => n.destination === "10.1.0.2")).toMatchObject({
      ...{ linkAddress: "02:00:00:00:00:02", state: "stale", flags: ["externallyLearned", "router"] },
    });
    const vx = await bench().port.fdb({ index: (await bench().oneLink("vx")).index });
    expect(vx.find((n) => n.destination === "10.1.0.9")).toMatchObject({ linkAddress: "00:00:00:00:00:00" });
    expect(vx.find((n) => n.destination === "10.1.0.3")).toMatchObject({ vni: 12, port: 1234, flags: ["self"] });
    const entry = { index: 11, state: "noarp", linkAddress: "02:00:00:00:00:04" };
    expect(await bench().port.fdb({ master: (await bench().oneLink("br0")).index })).toContainEqual(
      expect.objectContaining(entry),
    );
  });

  it("queueing disciplines and filters", async () => {
    await bench().commands(
      "tc qdisc add dev left handle 1: root htb default 10",
      "tc qdisc add dev right root pfifo limit 10",
      "tc qdisc add dev left clsact",
    );
    await run(bench().namespace, [
      ...(["tc", "filter", "add", "dev", "left", "ingress", "prio", "3", "bpf", "da", "bytecode"] as const),
      "1,6 0 0 2",
    ]);
    expect(await bench().port.qdiscs({ index: 10 })).toMatchObject([
      { kind: "htb", handle: tcHandle(1, 0), parent: "root", init: { version: 0x30011, defaultClass: 0x10 } },
      // The link may have said something by itself (IPv6 looks for routers).
      { kind: "clsact", parent: "clsact", statistics: { basic: { bytes: expect.any(BigInt) } } },
    ]);
    expect(await bench().port.qdiscs({ index: 11 })).toMatchObject([{ kind: "pfifo", limit: 10 }]);
    expect(await bench().port.filters({ index: 10, parent: "ingress" })).toMatchObject([
      { kind: "bpf", priority: 3, protocol: "all", flags: ["directAction"], handle: 1, instructionCount: 1 },
    ]);
  });
});

describe("the npm package netlink sees what we see", () => {
  interface Message {
    readonly data: Json;
    readonly attrs: Json;
  }
  type Witness = Record<"links" | "addresses" | "routes", Message[]>;
  const witness = async (): Promise<Witness> =>
    JSON.parse(
      await run(bench().namespace, [process.execPath, path.join(import.meta.dirname, "rtnetlink_oracle.cjs")]),
    ) as Witness;
  const hex = (address: string | undefined) => address && Buffer.from(ipBytes(address)!).toString("hex");

  it("links, addresses and routes", async () => {
    await bench().program(...pair, {
      ...({ verb: "add", object: "route" } as const),
      value: { destination: ip("10.5.0.0"), destinationPrefixLength: 16, gateway: ip("10.1.0.2"), priority: 3 },
    });
    const seen = await witness();
    const links = (await bench().port.links()).map((l) => [l.index, l.name, l.mtu, l.address!.replaceAll(":", "")]);
    expect(seen.links.map((l) => [l.data["index"], l.attrs["ifname"], l.attrs["mtu"], l.attrs["address"]])).toEqual(
      links,
    );
    const addresses = (await bench().port.addresses()).map((a) => [a.index, a.prefixLength, hex(a.address)]);
    expect(seen.addresses.map((a) => [a.data["index"], a.data["prefixlen"], a.attrs["address"]])).toEqual(addresses);
    const routes = (await bench().port.routes({ table: 254 })).map((r) => [
      ...[hex(r.destination), r.destinationPrefixLength, hex(r.gateway), r.outInterface, r.priority],
    ]);
    expect(
      seen.routes
        .filter((r) => r.attrs["table"] === 254)
        .map((r) => [r.attrs["dst"], r.data["dstLen"], r.attrs["gateway"], r.attrs["oif"], r.attrs["priority"]]),
    ).toEqual(routes);
  });
});
