/** Pods of one node with the fast path: what goes past the stack, and that nothing else is another for it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IpFamily } from "../../../src/model/service.ts";
import { openBpf } from "../../../src/kernel/real/bpf.ts";
import { removeFastPath } from "../../../src/network/fast_path/fast_path.ts";
import { addresses } from "../../fixtures/addresses.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { openFastPath, type OpenFastPath } from "../../fixtures/fast_path.ts";
import { run } from "../../fixtures/namespace.ts";
import { Host } from "../../fixtures/node_network.ts";
import type { PeerCommand } from "../../fixtures/peer.ts";
import { networkConfig, PodNode, type Pod } from "../../fixtures/pod_node.ts";

const families: readonly IpFamily[] = ["IPv4", "IPv6"];
const port = 8080;
const vip = { IPv4: "10.96.0.10", IPv6: "fd00:10:96::10" } as const;
const timeoutMs = 8000;

let node: PodNode;
let fast: OpenFastPath;
let outside: Host;
const hosts: Host[] = [];
const pods = new Map<string, Pod>();

/** What the proxy has of a Service, what the network has of masquerading, and what kube-proxy has of invalid packets. */
const rules = families
  .map((family) => {
    const [table, plan] = [family === "IPv4" ? "ip" : "ip6", addresses[family]];
    const target = family === "IPv4" ? "10.244.1.3" : "[fd00:10:244:1::3]";
    return `table ${table} others {
      chain services { type nat hook prerouting priority dstnat;
        ${table} daddr ${vip[family]} tcp dport 80 dnat to ${target}:${port}
      }
      chain outside { type nat hook postrouting priority srcnat;
        ${table} saddr ${plan.clusterCidr} ${table} daddr != ${plan.clusterCidr} masquerade
      }
      chain forward { type filter hook forward priority 0; ct state invalid counter drop; }
    }`;
  })
  .join("\n");

beforeAll(async () => {
  node = await PodNode.start();
  await run(node.namespace, ["nft", "-f", "-"], { stdin: rules });
  await run(node.namespace, ["sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_timeout_time_wait=1"]);
  outside = await start("outside");
  await onNode(`link add up0 type veth peer name eth0 netns ${outside.path}`, "link set up0 up");
  await outside.ip("link set eth0 up");
  for (const family of families) {
    const { node: own, client, linkBits } = addresses[family];
    const nodad = family === "IPv6" ? " nodad" : "";
    await onNode(`addr add ${own}/${linkBits} dev up0${nodad}`);
    await outside.ip(`addr add ${client}/${linkBits} dev eth0${nodad}`);
  }
  for (const name of ["one", "two"]) await addPod(name);
  fast = await openFastPath(node);
  await fast.sync();
});
afterAll(async () => {
  await fast?.close();
  for (const host of hosts) await host.stop();
  node?.stop();
});

async function start(name: string): Promise<Host> {
  const host = await Host.start(name);
  hosts.push(host);
  await host.ip("link set lo up");
  return host;
}

const onNode = (...lines: readonly string[]) =>
  run(node.namespace, ["ip", "-batch", "-"], { stdin: `${lines.join("\n")}\n` });

/** Serves in both families. */
async function addPod(name: string, changes: Parameters<PodNode["add"]>[0] = {}): Promise<Pod> {
  const host = await start(name);
  const pod = await node.add({ netns: host.path, ...changes });
  pods.set(name, pod);
  for (const family of families) await ask(name, { do: "serve", address: pod.ip[family], port });
  return pod;
}

const hostOf = (name: string): Host => hosts.find((host) => host.name === name)!;

async function ask(name: string, command: PeerCommand): Promise<string> {
  const said = await hostOf(name).command(command);
  if ("error" in said) throw new Error(said.error);
  return said.answer;
}

const connect = (from: string, address: string, to = port) =>
  ask(from, { do: "connect", address, port: to, timeoutMs });
const say = (from: string, connection: string, text = "hello") => ask(from, { do: "say", connection, text, timeoutMs });
const close = (from: string, connection: string) => ask(from, { do: "close", connection });

/** Packets that went past the stack meanwhile. */
async function packetsOf(act: () => Promise<unknown>): Promise<number> {
  const before = await fast.path.packets();
  await act();
  return (await fast.path.packets()) - before;
}

async function tracked(family: IpFamily, ...filter: readonly string[]): Promise<string[]> {
  const text = await run(node.namespace, ["conntrack", "-L", "-f", family.toLowerCase(), "-p", "tcp", ...filter]);
  return text.split("\n").filter((line) => line !== "");
}

async function counter(...chain: readonly string[]): Promise<number> {
  const text = await run(node.namespace, ["nft", "list", "chain", ...chain]);
  return Number(/counter packets (\d+) bytes \d+ drop/.exec(text)![1]);
}

const bulk = "x".repeat(300_000);

describe.each(families)("the fast path, %s", (family) => {
  const ip = (name: string): string => pods.get(name)!.ip[family];

  it("takes what goes over an established connection, both ways, whole", async () => {
    const connection = await connect("one", ip("two"));
    expect(await say("one", connection)).toBe("hello");
    const packets = await packetsOf(async () => {
      for (let i = 0; i < 10; i++) expect(await say("one", connection, `hello ${i}`)).toBe(`hello ${i}`);
    });
    // A question, and its answer.
    expect(packets).toBeGreaterThanOrEqual(20);
    expect(await say("one", connection, bulk)).toBe(bulk);
    await close("one", connection);
  });

  it("leaves conntrack the opening and the end, however much it did not see, and drops nothing as invalid", async () => {
    const table = [family === "IPv4" ? "ip" : "ip6", "others", "forward"];
    const dropped = await counter(...table);
    const connection = await connect("one", ip("two"));
    const sport = async () => /sport=(\d+)/.exec((await tracked(family, "--state", "ESTABLISHED")).at(-1)!)![1]!;
    const one = await sport();
    for (let i = 0; i < 3; i++) expect(await say("one", connection, bulk)).toBe(bulk);
    expect(await tracked(family, "--orig-port-src", one, "--state", "ESTABLISHED")).toHaveLength(1);
    await close("one", connection);
    // TIME_WAIT is a second here; a connection whose end was not seen is kept for five days.
    await eventually("conntrack's end", async () => (await tracked(family, "--orig-port-src", one)).length === 0);
    expect(await counter(...table)).toBe(dropped);
  });

  it("leaves a Service's connection to the stack, also beside a direct one, and the direct one does not mind", async () => {
    const [direct, service] = [await connect("one", ip("two")), await connect("one", vip[family], 80)];
    await say("one", service);
    const ofService = await packetsOf(async () => {
      for (let i = 0; i < 5; i++) expect(await say("one", service, bulk)).toBe(bulk);
    });
    expect(ofService).toBe(0);
    expect(await packetsOf(async () => expect(await say("one", direct)).toBe("hello"))).toBeGreaterThanOrEqual(2);
    expect(await say("one", service)).toBe("hello");
    for (const connection of [direct, service]) await close("one", connection);
  });

  it("leaves what is masqueraded to the stack", async () => {
    const { client, node: own } = addresses[family];
    await ask("outside", { do: "listen", protocol: "TCP", address: client, port: port + 1 });
    const seen = ask("one", { do: "ask", protocol: "TCP", address: client, port: port + 1, timeoutMs });
    expect(await seen).toBe(`outside ${own}`);
    await ask("outside", { do: "serve", address: client, port });
    const connection = await connect("one", client);
    const packets = await packetsOf(async () => {
      for (let i = 0; i < 5; i++) expect(await say("one", connection, bulk)).toBe(bulk);
    });
    expect(packets).toBe(0);
    await close("one", connection);
  });

  it("lets nobody speak in another's name, over whatever connection there is", async () => {
    const connection = await connect("one", ip("two"));
    await say("one", connection);
    const last = (await tracked(family, "--orig-dst", ip("two"), "--state", "ESTABLISHED")).at(-1)!;
    const sport = Number(/sport=(\d+)/.exec(last)![1]);
    const guard = ["inet", "fairlead-pods", "from-pod"];
    const dropped = await counter(...guard);
    const mac = { one: macOf("one"), wrong: "02:00:00:00:00:99" };
    const packets = await packetsOf(async () => {
      // From the pod itself with another MAC address, and from another pod with this one's addresses.
      await send("one", mac.wrong, [ip("one"), sport], [ip("two"), port]);
      await send("two", mac.one, [ip("one"), sport], [ip("two"), port]);
    });
    expect(packets).toBe(0);
    expect(await counter(...guard)).toBe(dropped + 2);
    // What the pod may send does go this way: the frames above were right but for who sent them.
    const own = await packetsOf(() => send("one", mac.one, [ip("one"), sport], [ip("two"), port]));
    expect(own).toBeGreaterThanOrEqual(1);
    await close("one", connection);
  });

  it("tells a pod of a smaller link on the way", async () => {
    const { hostLink } = linkOf("two");
    const connection = await connect("one", ip("two"));
    await say("one", connection);
    await onNode(`link set ${hostLink} mtu 1300`);
    // Two segments, which the pod hands over as one packet: each is too long, the packet as such is not (GSO).
    const two = bulk.slice(0, 2800);
    expect(await say("one", connection, two)).toBe(two);
    expect(await run(pods.get("one")!.namespace, ["ip", "route", "get", ip("two")])).toContain("mtu 1300");
    await onNode(`link set ${hostLink} mtu 1500`);
    await close("one", connection);
  });
});

function linkOf(name: string) {
  return node.attachments.list().find(({ containerId }) => containerId === pods.get(name)!.containerId)!;
}

const macOf = (name: string): string => pods.get(name)!.result.interfaces.find(({ sandbox }) => sandbox)!.mac!;

/** A TCP segment with ACK and nothing else, as a frame that a pod writes itself. */
async function send(
  from: string,
  mac: string,
  [saddr, sport]: readonly [string, number],
  [daddr, dport]: readonly [string, number],
): Promise<void> {
  const program = `
import socket, struct, sys
mac, saddr, daddr, sport, dport = sys.argv[1:]
v6 = ":" in saddr
pack = lambda a: socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, a)
def total(data):
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16: s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
tcp = struct.pack("!HHIIBBHHH", int(sport), int(dport), 1, 1, 5 << 4, 0x10, 512, 0, 0)
pseudo = pack(saddr) + pack(daddr) + struct.pack("!IxxxB" if v6 else "!xBH", *((20, 6) if v6 else (6, 20)))
tcp = tcp[:16] + struct.pack("!H", total(pseudo + tcp)) + tcp[18:]
if v6: ip = struct.pack("!IHBB", 6 << 28, 20, 6, 64) + pack(saddr) + pack(daddr)
else:
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0x4000, 64, 6, 0) + pack(saddr) + pack(daddr)
    ip = ip[:10] + struct.pack("!H", total(ip)) + ip[12:]
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(("eth0", 0))
mac = bytes.fromhex(mac.replace(":", ""))
raw.send(bytes.fromhex("02666c700001") + mac + struct.pack("!H", 0x86dd if v6 else 0x800) + ip + tcp)
`;
  const words = [mac, saddr, daddr, String(sport), String(dport)];
  await run(pods.get(from)!.namespace, ["python3", "-c", program, ...words]);
}

describe("the fast path of a node", () => {
  const bpf = () => openBpf({ namespace: node.namespace });
  const indexes = async (): Promise<number[]> => (await node.ports.routing.links()).map(({ index }) => index);

  it("holds to a bandwidth limit", async () => {
    const bandwidth = { ingressRate: 8_000_000, ingressBurst: 80_000, egressRate: 0, egressBurst: 0 };
    const { runtimeConfig } = networkConfig();
    const limited = await addPod("limited", {
      config: networkConfig({ runtimeConfig: { ...runtimeConfig, bandwidth } }),
    });
    await fast.sync();
    const connection = await connect("one", limited.ip.IPv4);
    await say("one", connection);
    const { hostLink } = linkOf("limited");
    const queued = async (): Promise<number> => {
      const text = await run(node.namespace, ["tc", "-s", "qdisc", "show", "dev", hostLink, "root"]);
      return Number(/qdisc tbf .*\n Sent (\d+) bytes/.exec(text)![1]);
    };
    const before = await queued();
    const packets = await packetsOf(async () => expect(await say("one", connection, bulk)).toBe(bulk));
    expect(packets).toBeGreaterThan(0);
    expect((await queued()) - before).toBeGreaterThan(bulk.length);
    await close("one", connection);
  });

  it("goes on without an agent, and is not there twice with the next one", async () => {
    const connection = await connect("one", pods.get("two")!.ip.IPv4);
    await say("one", connection);
    const counted = await fast.path.packets();
    await fast.close();
    for (let i = 0; i < 5; i++) expect(await say("one", connection)).toBe("hello");
    fast = await openFastPath(node);
    await fast.sync();
    expect(await fast.path.packets()).toBeGreaterThanOrEqual(counted + 10);
    expect(await packetsOf(() => say("one", connection))).toBeGreaterThanOrEqual(2);
    const programs = await Promise.all((await indexes()).map((index) => bpf().attached(index)));
    const there = programs.filter((ids) => ids.length > 0);
    expect(there).toHaveLength(fast.path.links);
    expect(new Set(there.map((ids) => ids.join()))).toEqual(new Set([there[0]!.join()]));
    await close("one", connection);
  });

  it("knows a pod that got the address of one that went", async () => {
    const gone = await addPod("gone");
    await fast.sync();
    const links = fast.path.links;
    await say("one", await connect("one", gone.ip.IPv4));
    await node.delete(gone);
    const { runtimeConfig } = networkConfig();
    const ips = [gone.ip.IPv4, gone.ip.IPv6].map((address) => ({ address, prefixLength: undefined }));
    const config = networkConfig({ runtimeConfig: { ...runtimeConfig, ips: ips } });
    expect((await addPod("heir", { config })).ip).toEqual(gone.ip);
    await fast.sync();
    expect(fast.path.links).toBe(links);
    const connection = await connect("one", gone.ip.IPv4);
    await say("one", connection);
    expect(await packetsOf(() => say("one", connection))).toBeGreaterThanOrEqual(2);
    await close("one", connection);
  });

  it("leaves a link alone whose ingress somebody else uses", async () => {
    const { hostLink } = linkOf("two");
    const connection = await connect("one", pods.get("two")!.ip.IPv4);
    await say("one", connection);
    await run(node.namespace, ["tc", "qdisc", "add", "dev", hostLink, "ingress"]);
    await fast.sync();
    expect(await packetsOf(() => say("one", connection))).toBe(0);
    await run(node.namespace, ["tc", "qdisc", "del", "dev", hostLink, "ingress"]);
    await fast.sync();
    expect(await packetsOf(() => say("one", connection))).toBeGreaterThanOrEqual(2);
    await close("one", connection);
  });

  it("is taken away whole, and connections go on", async () => {
    const connection = await connect("one", pods.get("two")!.ip.IPv6);
    expect(await packetsOf(() => say("one", connection, bulk))).toBeGreaterThan(0);
    await removeFastPath(bpf(), node.ports.routing);
    expect(await packetsOf(async () => expect(await say("one", connection, bulk)).toBe(bulk))).toBe(0);
    for (const index of await indexes()) expect(await bpf().attached(index)).toEqual([]);
    await close("one", connection);
  });
});
