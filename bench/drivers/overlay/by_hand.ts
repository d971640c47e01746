/** The rivals: veth pairs and VXLAN devices that are set up by `ip`, as a person would. */
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import type { Cleanup, Driver } from "../../driver.ts";
import { freshNamespace, runProgram } from "../../namespace.ts";
import { pathOf, trafficDriver, type Ends, type Traffic, type TrafficParameters } from "./traffic.ts";

/** Whether the two pods are on one node, or on two with a tunnel between them. */
export type Way = "veth" | "vxlan";

const macs = ["02:00:00:00:04:01", "02:00:00:00:04:02"] as const;

/** @param masquerades with the rule that every pod network has, which makes the kernel track connections */
export function byHand(way: Way, traffic: Traffic, masquerades: boolean): Driver<TrafficParameters> {
  const name = masquerades ? "ip, masquerade" : "ip";
  const what = `${way} set up by ip${masquerades ? ", and a rule of nft that masquerades" : ""}`;
  return trafficDriver({ name, what }, traffic, (cleanup) =>
    way === "veth" ? oneNode(cleanup, masquerades) : twoNodes(cleanup, masquerades),
  );
}

async function oneNode(cleanup: Cleanup, masquerades: boolean): Promise<Ends> {
  const node = await handNode(cleanup, masquerades);
  const client = await handPod(node, "10.244.1.11", "pod1", 1500, cleanup);
  const server = await handPod(node, "10.244.1.12", "pod2", 1500, cleanup);
  return { client, server, address: "10.244.1.12" };
}

async function twoNodes(cleanup: Cleanup, masquerades: boolean): Promise<Ends> {
  const nodes = [await handNode(cleanup, masquerades), await handNode(cleanup, masquerades)] as const;
  await connect(nodes);
  for (const [i, node] of nodes.entries()) {
    const [own, other] = [i + 1, 2 - i];
    await ip(
      node,
      `link add vxlan1 address ${macs[own - 1]} type vxlan id 1 dev eth0 local 172.18.0.${own} dstport 8472 nolearning`,
      `addr add 10.244.${own}.0/32 dev vxlan1`,
      "link set vxlan1 up",
      `neigh add 10.244.${other}.0 lladdr ${macs[other - 1]} dev vxlan1 nud permanent`,
      `route add 10.244.${other}.0/24 via 10.244.${other}.0 dev vxlan1 onlink`,
    );
    const to = ["dst", `172.18.0.${other}`, "self", "permanent"] as const;
    await runProgram(node, ["bridge", "fdb", "append", macs[other - 1]!, "dev", "vxlan1", ...to]);
  }
  const client = await handPod(nodes[0], "10.244.1.11", "pod1", 1450, cleanup);
  const server = await handPod(nodes[1], "10.244.2.11", "pod1", 1450, cleanup);
  return { client, server, address: "10.244.2.11" };
}

/** A link between two nodes, with their addresses. */
export async function connect([one, other]: readonly [NativeNamespace, NativeNamespace]): Promise<void> {
  await ip(one, `link add eth0 type veth peer name eth0 netns ${pathOf(other)}`);
  for (const [i, node] of [one, other].entries()) {
    await ip(node, `addr add 172.18.0.${i + 1}/24 dev eth0`, "link set eth0 up");
  }
}

async function handNode(cleanup: Cleanup, masquerades: boolean): Promise<NativeNamespace> {
  const node = await freshNamespace(cleanup);
  await ip(node, "link set lo up");
  await runProgram(node, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  if (!masquerades) return node;
  const rule = "ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade fully-random";
  const chain = "type nat hook postrouting priority srcnat; policy accept;";
  await runProgram(node, ["nft", `table ip hand { chain postrouting { ${chain} ${rule}; }; }`]);
  return node;
}

async function handPod(
  node: NativeNamespace,
  address: string,
  link: string,
  mtu: number,
  cleanup: Cleanup,
): Promise<NativeNamespace> {
  const pod = await freshNamespace(cleanup);
  await ip(
    node,
    `link add ${link} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${pathOf(pod)}`,
    `link set ${link} up`,
    `addr add 10.244.0.1/32 dev ${link}`,
    `route add ${address}/32 dev ${link}`,
  );
  await ip(
    pod,
    "link set lo up",
    "link set eth0 up",
    `addr add ${address}/32 dev eth0`,
    "route add 10.244.0.1/32 dev eth0",
    "route add default via 10.244.0.1 dev eth0",
  );
  return pod;
}

export async function ip(namespace: NativeNamespace, ...lines: readonly string[]): Promise<void> {
  await runProgram(namespace, ["ip", "-batch", "-"], lines.join("\n"));
}
