/** A node of flannel's, set up by hand as its vxlan backend does, among nodes of ours. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestControlPlane, type TestControlPlane } from "../../fixtures/control_plane.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { Host, families } from "../../fixtures/node_network.ts";
import {
  ask,
  listen,
  nodeIps,
  OverlayCluster,
  register,
  wire,
  type ClusterPod,
} from "../../fixtures/overlay_cluster.ts";
import { flannel, flannelAnnotations, overlayNode } from "../../fixtures/overlay_nodes.ts";
import { run } from "../../fixtures/namespace.ts";

const theirMacs = ["5e:00:00:00:00:04", "5e:00:00:00:00:06"] as const;
const theirs = { IPv4: "10.244.2.9", IPv6: "fd00:10:244:2::9" };

let plane: TestControlPlane;
let cluster: OverlayCluster;
let pod: ClusterPod;
let node: Host;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [] });
  cluster = await OverlayCluster.open(plane.client, "vxlan", 1);
  await cluster.startAll();
  node = await Host.start("flannel");
  await wire(cluster.router, node, 2);
  await run(node.namespace, ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
  await register(plane.client, overlayNode(2, { annotations: flannelAnnotations(...theirMacs, nodeIps(2)) }));
  await asFlannel();
  pod = await cluster.node(1).addPod("ours");
  await listen(pod.host, Object.values(pod.ip));
});
afterAll(async () => {
  await node?.stop();
  await cluster?.stop();
  await plane?.stop();
});

/** What flannel does with the lease that it reads from our Node object (pkg/backend/vxlan, vxlan_network.go). */
async function asFlannel(): Promise<void> {
  const notes = await eventually("our node's annotations", async () => {
    const { annotations = {} } = (await cluster.read(1)).metadata;
    return annotations[`${flannel}/kube-subnet-manager`] === "true" && annotations;
  });
  const [ip4, ip6] = nodeIps(2);
  const macOf = (note: string): string => (JSON.parse(notes[`${flannel}/${note}`]!) as { VtepMAC: string }).VtepMAC;
  const [mac4, mac6] = [macOf("backend-data"), macOf("backend-v6-data")];
  await node.ip(
    `link add flannel.1 address ${theirMacs[0]} mtu 1450 type vxlan id 1 dev eth0 local ${ip4} dstport 8472 nolearning`,
    `link add flannel-v6.1 address ${theirMacs[1]} mtu 1430 type vxlan id 1 dev eth0 local ${ip6} dstport 8472 nolearning`,
    "addr add 10.244.2.0/32 dev flannel.1",
    "addr add fd00:10:244:2::/128 dev flannel-v6.1 nodad",
    "link set flannel.1 up",
    "link set flannel-v6.1 up",
    `neigh add 10.244.1.0 lladdr ${mac4} dev flannel.1 nud permanent`,
    `neigh add fd00:10:244:1:: lladdr ${mac6} dev flannel-v6.1 nud permanent`,
    "route add 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink",
    "route add fd00:10:244:1::/64 via fd00:10:244:1:: dev flannel-v6.1 onlink",
    `addr add ${theirs.IPv4}/32 dev lo`,
    `addr add ${theirs.IPv6}/128 dev lo nodad`,
  );
  const fdb = (mac: string, device: string, dst: string) =>
    run(node.namespace, ["bridge", "fdb", "append", mac, "dev", device, "dst", dst, "self", "permanent"]);
  await fdb(mac4, "flannel.1", notes[`${flannel}/public-ip`]!);
  await fdb(mac6, "flannel-v6.1", notes[`${flannel}/public-ipv6`]!);
  await listen(node, Object.values(theirs));
}

it.each(families)("its pods are reached, and reach ours, %s", async (family) => {
  // Its own address is the source of what it sends, as the pod's would be.
  await eventually("the way there", async () => (await ask(pod.host, theirs[family])) === `flannel ${pod.ip[family]}`);
  expect(await ask(pod.host, theirs[family], { protocol: "UDP" })).toBe(`flannel ${pod.ip[family]}`);
  const there = family === "IPv4" ? "10.244.2.0" : "fd00:10:244:2::";
  expect(await ask(node, pod.ip[family])).toBe(`ours ${there}`);
});
