/** Three nodes, each with its agent and its pods, and real packets between them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../src/api/resource_types.ts";
import { ethtoolFamily, getFeatures, isActive } from "../../../src/kernel/netlink/ethtool.ts";
import { openGenericNetlink } from "../../../src/kernel/real/generic_netlink.ts";
import { vtepMac } from "../../../src/network/overlay/derive.ts";
import { setTxChecksum } from "../../../src/network/overlay/offload.ts";
import type { OverlayMode } from "../../../src/network/overlay/state.ts";
import type { IpFamily } from "../../../src/model/service.ts";
import { startTestControlPlane, type TestControlPlane } from "../../fixtures/control_plane.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { run } from "../../fixtures/namespace.ts";
import { families } from "../../fixtures/node_network.ts";
import { ask, listen, nodeIps, outside, OverlayCluster, type ClusterPod } from "../../fixtures/overlay_cluster.ts";
import { flannel } from "../../fixtures/overlay_nodes.ts";
import { overlayState } from "../../fixtures/walk/overlay.ts";

let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [] });
});
afterAll(() => plane?.stop());

/** What bytes of IP and UDP headers are. */
const headerBytes: Readonly<Record<IpFamily, number>> = { IPv4: 28, IPv6: 48 };

async function pods(cluster: OverlayCluster): Promise<ClusterPod[]> {
  const made: ClusterPod[] = [];
  for (const node of cluster.nodes) {
    const pod = await node.addPod(`pod-${node.n}`);
    await listen(pod.host, Object.values(pod.ip));
    made.push(pod);
  }
  await listen(cluster.router, Object.values(outside));
  return made;
}

/** Counts of fragments made, refused and put together again. */
async function fragments(cluster: OverlayCluster, all: readonly ClusterPod[]): Promise<string[]> {
  const found: string[] = [];
  for (const { host } of [...cluster.nodes, ...all, { host: cluster.router }]) {
    const ip6 = await run(host.namespace, ["cat", "/proc/net/snmp6"]);
    const [names = "", values = ""] = (await run(host.namespace, ["cat", "/proc/net/snmp"])).split("\n");
    const counts = names.split(" ").map((name, i) => `${name} ${values.split(" ")[i]}`);
    for (const line of [...counts, ...ip6.split("\n")]) {
      const [name = "", count] = line.split(/\s+/);
      if (/^(Ip6?)?(Frag|Reasm)/.test(name) && count !== "0") found.push(`${host.name} ${name} ${count}`);
    }
  }
  return found;
}

describe.each<[OverlayMode, number, number]>([
  ["vxlan", 3, 1430],
  ["host-gw", 2, 1500],
  ["auto", 3, 1430],
])("%s", (mode, count, mtu) => {
  let cluster: OverlayCluster;
  let all: ClusterPod[];
  beforeAll(async () => {
    cluster = await OverlayCluster.open(plane.client, mode, count);
    await cluster.startAll();
    all = await pods(cluster);
  });
  afterAll(() => cluster?.stop());

  it.each(families)("pods reach one another and are seen with their own addresses, %s", async (family) => {
    for (const from of all) {
      for (const to of all) {
        if (from === to) continue;
        for (const protocol of ["TCP", "UDP"] as const) {
          const answer = await ask(from.host, to.ip[family], { protocol });
          expect(answer, `${from.host.name} to ${to.host.name}, ${protocol}`).toBe(
            `${to.host.name} ${from.ip[family]}`,
          );
        }
      }
    }
  });

  it.each(families)("nodes reach pods of other nodes, %s", async (family) => {
    for (const node of cluster.nodes) {
      for (const to of all) expect(await ask(node.host, to.ip[family])).toMatch(new RegExp(`^${to.host.name} `));
    }
  });

  it.each(families)("what leaves the cluster has the node's address, %s", async (family) => {
    for (const [i, pod] of all.entries()) {
      const ip = nodeIps(i + 1)[family === "IPv4" ? 0 : 1];
      expect(await ask(pod.host, outside[family])).toBe(`outside ${ip}`);
    }
  });

  it.each(families)("packets of the MTU arrive whole, %s", async (family) => {
    expect(all.map((pod) => pod.mtu)).toEqual(all.map(() => mtu));
    const bytes = mtu - headerBytes[family];
    for (const from of all) {
      for (const to of all) {
        if (from === to) continue;
        const answer = await ask(from.host, to.ip[family], { protocol: "UDP", bytes });
        expect(answer).toBe(`${to.host.name} ${from.ip[family]}`);
      }
    }
    expect(await fragments(cluster, all)).toEqual([]);
  });

  it("a restart writes nothing", async () => {
    const node = cluster.node(1);
    const generation = await node.nftables.generation();
    const before = await overlayState(node.routing);
    await node.agent.stop();
    node.routing.applied.length = 0;
    const { metadata } = await cluster.read(1);
    await node.start();
    await node.ready();
    expect(node.routing.applied).toEqual([]);
    expect(await overlayState(node.routing)).toEqual(before);
    expect(await node.nftables.generation()).toBe(generation);
    expect((await cluster.read(1)).metadata.resourceVersion).toBe(metadata.resourceVersion);
  });

  it("announces itself once it is ready, and has nothing to complain of", () => {
    for (const node of cluster.nodes) {
      expect(node.announced).toContain("write");
      expect(node.announced).not.toContain("remove");
      // Until others have said where their VTEPs are, there is no way to them.
      expect(node.complaints.filter((text) => !/has not said its VTEP's|not ready|cannot be added/.test(text))).toEqual(
        [],
      );
    }
  });
});

describe("the overlay heals", () => {
  let cluster: OverlayCluster;
  let all: ClusterPod[];
  beforeAll(async () => {
    cluster = await OverlayCluster.open(plane.client, "vxlan");
    await cluster.startAll();
    all = await pods(cluster);
  });
  afterAll(() => cluster?.stop());

  async function reach(from: number, to: number): Promise<void> {
    for (const family of families) {
      const [one, other] = [all[from - 1]!, all[to - 1]!];
      await eventually(`pod-${from} reaches pod-${to}, ${family}`, async () => {
        return (await ask(one.host, other.ip[family])) === `pod-${to} ${one.ip[family]}`;
      });
    }
  }

  it("says on its Node objects what flannel's nodes read", async () => {
    const { metadata } = await cluster.read(2);
    expect(metadata.annotations).toMatchObject({
      [`${flannel}/backend-type`]: "vxlan",
      [`${flannel}/kube-subnet-manager`]: "true",
      [`${flannel}/backend-data`]: `{"VNI":1,"VtepMAC":"${vtepMac("node-2", "IPv4", 1)}"}`,
      [`${flannel}/backend-v6-data`]: `{"VNI":1,"VtepMAC":"${vtepMac("node-2", "IPv6", 1)}"}`,
      [`${flannel}/public-ip`]: "172.18.0.2",
      [`${flannel}/public-ipv6`]: "fd00:172:18::2",
    });
  });

  it.each([true, false])("carries what nodes translate, with checksums left to what is below: %s", async (isOn) => {
    const { host } = cluster.node(1);
    const generic = await openGenericNetlink({ namespace: host.namespace });
    try {
      const [{ ifindex }] = JSON.parse(await run(host.namespace, ["ip", "-j", "link", "show", "fairlead.1"])) as [
        { ifindex: number },
      ];
      await setTxChecksum(generic, ifindex, isOn);
      const family = (await generic.family(ethtoolFamily))!;
      const [now] = await generic.request(family, getFeatures(ifindex), "read the VTEP's features");
      expect(isActive(now!, "tx-checksum-ip-generic")).toBe(isOn);
      await setTxChecksum(generic, ifindex, isOn);
    } finally {
      generic.close();
    }
    const translate = `ip daddr 10.96.0.10 udp dport 53 dnat to ${all[1]!.ip.IPv4}:8080`;
    const chains = [
      `chain pre { type nat hook prerouting priority -100; ${translate}; }`,
      `chain out { type nat hook output priority -100; ${translate}; }`,
      "chain post { type nat hook postrouting priority 100; ct status dnat masquerade fully-random; }",
    ];
    await run(host.namespace, ["nft", `table ip service { ${chains.join("; ")}; }`]);
    try {
      const service = { protocol: "UDP", port: 53 } as const;
      expect(await ask(host, "10.96.0.10", service)).toBe("pod-2 10.244.1.0");
      expect(await ask(all[0]!.host, "10.96.0.10", service)).toBe("pod-2 10.244.1.0");
    } finally {
      await run(host.namespace, ["nft", "delete", "table", "ip", "service"]);
    }
  });

  it.each([
    ["a VTEP", "link delete fairlead.1"],
    ["a route", "route delete fd00:10:244:2::/64"],
    ["a neighbour", "neigh delete 10.244.2.0 dev fairlead.1"],
    ["the link's state", "link set fairlead-v6.1 down"],
  ])("from what somebody takes from it: %s", async (_, command) => {
    await cluster.node(1).host.ip(command);
    await reach(1, 2);
    await reach(2, 1);
  });

  it("when a node changes its address: the others change its entries alone", async () => {
    const [node, other] = [cluster.node(2), cluster.node(3)];
    const [ip4, ip6] = nodeIps(2, 22);
    const others = (await overlayState(other.routing)).filter((line) => !/172\.18\.0\.2|fd00:172:18::2/.test(line));
    other.routing.applied.length = 0;
    await node.host.ip(
      "addr delete 172.18.0.2/24 dev eth0",
      "addr delete fd00:172:18::2/64 dev eth0",
      `addr add ${ip4}/24 dev eth0`,
      `addr add ${ip6}/64 dev eth0 nodad`,
      "route replace default via 172.18.0.254",
      "route replace default via fd00:172:18::fe",
    );
    await cluster.setStatusIps(2, [ip4, ip6]);
    await reach(2, 3);
    await reach(3, 2);
    const now = await overlayState(other.routing);
    expect(now).toEqual(expect.arrayContaining(others));
    expect(now.filter((line) => !others.includes(line))).toEqual([
      expect.stringContaining(`fdb fairlead-v6.1 ${vtepMac("node-2", "IPv6", 1)} ${ip6}`),
      expect.stringContaining(`fdb fairlead.1 ${vtepMac("node-2", "IPv4", 1)} ${ip4}`),
    ]);
    const objects = other.routing.applied.map(({ verb, object }) => `${verb} ${object}`);
    expect(objects.every((text) => text === "replace fdb")).toBe(true);
    expect(objects.length).toBeLessThanOrEqual(4);
    // Where its tunnels end, and their packets are not tracked, has changed with it.
    const rules = await run(node.host.namespace, ["nft", "list", "table", "inet", "fairlead-pods"]);
    expect(rules.match(/elements = \{ [0-9a-f.:]+ \}/g)).toEqual([`elements = { ${ip4} }`, `elements = { ${ip6} }`]);
  });

  it("when a node starts anew with nothing", async () => {
    const node = cluster.node(3);
    await node.agent.stop();
    await node.removeOverlay();
    expect(await overlayState(node.routing)).toEqual([]);
    await node.start();
    await node.ready();
    await reach(3, 1);
    await reach(1, 3);
  });

  it("forgets a node that is gone, and no other", async () => {
    const node = cluster.node(1);
    await cluster.node(3).agent.stop();
    const before = await overlayState(node.routing);
    await plane.client.delete(resourceTypes.nodes, { name: "node-3" });
    const wanted = before.filter((line) => !/244\.3\.|244:3:|172\.19\.0\.3|172:19::3/.test(line));
    expect(wanted.length).toBe(before.length - 6);
    await eventually("node 3's entries go", async () => (await overlayState(node.routing)).join() === wanted.join());
    await reach(1, 2);
  });
});
