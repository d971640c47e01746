/** The pod network as the agent sets it up: its links, its overlay, its masquerading. */
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import { openRouting } from "../../../src/kernel/real/routing.ts";
import { parseCidr } from "../../../src/model/cidr.ts";
import { deriveMasquerade } from "../../../src/network/masquerade/derive.ts";
import { MasqueradeTables } from "../../../src/network/masquerade/masquerade.ts";
import { vtepMac } from "../../../src/network/overlay/derive.ts";
import { Overlay, type OverlayStatus } from "../../../src/network/overlay/overlay.ts";
import { eventually } from "../../../test/fixtures/eventually.ts";
import { flannelAnnotations, overlayNode, overlayOptions } from "../../../test/fixtures/overlay_nodes.ts";
import { openFastPath } from "../../../test/fixtures/fast_path.ts";
import { PodNode } from "../../../test/fixtures/pod_node.ts";
import type { Cleanup, Driver } from "../../driver.ts";
import { connect, ip, type Way } from "./by_hand.ts";
import { trafficDriver, type Ends, type Traffic, type TrafficParameters } from "./traffic.ts";

export function fairleadNetwork(way: Way, traffic: Traffic, isFast: boolean): Driver<TrafficParameters> {
  const name = isFast ? "fairlead" : "fairlead, stack";
  const what = `${way} of the pod network, with source guard and masquerading${isFast ? "" : ", without its fast path"}`;
  return trafficDriver({ name, what }, traffic, (cleanup) =>
    way === "veth" ? oneNode(cleanup, isFast) : twoNodes(cleanup, isFast),
  );
}

async function oneNode(cleanup: Cleanup, isFast: boolean): Promise<Ends> {
  const node = await start(1, 1500, cleanup);
  const [client, server] = [await node.add(), await node.add()];
  if (isFast) await speedUp(node, cleanup);
  return { client: client.namespace, server: server.namespace, address: server.ip.IPv4 };
}

async function twoNodes(cleanup: Cleanup, isFast: boolean): Promise<Ends> {
  const nodes = [await start(1, 1450, cleanup), await start(2, 1450, cleanup)] as const;
  await connect([nodes[0].namespace, nodes[1].namespace]);
  for (const [i, node] of nodes.entries()) await startOverlay(node, i + 1, cleanup);
  const [client, server] = [await nodes[0].add(), await nodes[1].add()];
  if (isFast) for (const node of nodes) await speedUp(node, cleanup);
  return { client: client.namespace, server: server.namespace, address: server.ip.IPv4 };
}

const podCidr = (n: number): string => `10.244.${n}.0/24`;

async function start(n: number, mtu: number, cleanup: Cleanup): Promise<PodNode> {
  const node = await PodNode.start({ podCidrs: () => [podCidr(n)], mtu: () => mtu, tunnelPort: 8472 });
  cleanup.add(() => node.stop());
  await ip(node.namespace, "link set lo up");
  const nftables = await RealNftables.open(node.namespace);
  cleanup.add(() => nftables.close());
  const tables = new MasqueradeTables({ nftables, onError: fail });
  cleanup.add(() => tables.stop());
  const options = { enabled: true, clusterCidrs: [parseCidr("10.244.0.0/16")!], exclusions: [] };
  tables.set("IPv4", deriveMasquerade("IPv4", options, parseCidr(podCidr(n)), []));
  await eventually("masquerading", () => tables.isDone);
  return node;
}

async function startOverlay(node: PodNode, n: number, cleanup: Cleanup): Promise<void> {
  const routing = await openRouting({ namespace: node.namespace });
  cleanup.add(() => routing.close());
  let status: OverlayStatus | undefined;
  const overlay = new Overlay({
    options: overlayOptions("vxlan"),
    nodeName: `node-${n}`,
    routing,
    onStatus: (now) => (status = now),
    onError: fail,
  });
  cleanup.add(() => overlay.stop());
  for (const one of [1, 2]) {
    const mac = vtepMac(`node-${one}`, "IPv4", 1);
    const annotations = flannelAnnotations(mac, mac, [`172.18.0.${one}`, "fd00::1"]);
    const ips = [`172.18.0.${one}`];
    overlay.setNode(overlayNode(one, { podCidrs: [podCidr(one)], ips, annotations }));
  }
  overlay.start();
  await eventually("the overlay", () => status !== undefined && status.obstacle === undefined);
  await node.network.setTunnelEnds(status!.tunnelEnds);
}

async function speedUp(node: PodNode, cleanup: Cleanup): Promise<void> {
  const fastPath = await openFastPath(node);
  cleanup.add(() => fastPath.close());
  await fastPath.sync();
}

function fail(error: unknown): never {
  throw error;
}
