/** The verbs of CNI on a node: what each leaves, and what it says where it cannot. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CniError } from "../../../cni/error.ts";
import type { RequestedIp } from "../../../cni/plugin.ts";
import type { IpAddress, MacAddress } from "../../../src/model/address.ts";
import { run } from "../../fixtures/namespace.ts";
import { networkConfig, PodNode, type Pod } from "../../fixtures/pod_node.ts";

let node: PodNode;
beforeEach(async () => {
  node = await PodNode.start();
});
afterEach(() => node.stop());

/** Everything that an ADD could leave. */
async function traces(): Promise<unknown> {
  const rules = await run(node.namespace, ["nft", "list", "ruleset"]);
  return {
    links: await run(node.namespace, ["ip", "-br", "link"]),
    elements: rules.match(/"flp[^"]*"[^,}]*/g) ?? [],
    attachments: node.network.attached(),
    addresses: node.network.addressesInUse,
  };
}

const cni = (code: number) => expect.objectContaining({ name: "CniError", code }) as CniError;
const ip = (address: string): RequestedIp => ({ address: address as IpAddress, prefixLength: undefined });
const withRuntime = (changes: object) =>
  networkConfig({ runtimeConfig: { ...networkConfig().runtimeConfig, ...changes } });

describe("ADD", () => {
  it("tells of the link, with a host's prefix and the next hop", async () => {
    const { result, request } = await node.add();
    expect(result).toMatchObject({
      interfaces: [
        { name: expect.stringMatching(/^flp[0-9a-f]{12}$/) as string, mtu: 1500 },
        { name: "eth0", mac: expect.stringMatching(/^02:/) as string, mtu: 1500, sandbox: request.netns },
      ],
      ips: [
        { address: "10.244.1.2", prefixLength: 32, gateway: "169.254.1.1", interface: 1 },
        { address: "fd00:10:244:1::2", prefixLength: 128, gateway: "fe80::1", interface: 1 },
      ],
      routes: [
        { dst: { address: "0.0.0.0", prefixLength: 0 }, gw: "169.254.1.1" },
        { dst: { address: "::", prefixLength: 0 }, gw: "fe80::1" },
      ],
    });
  });

  it("of a bridge tells of the subnet's prefix and gateway", async () => {
    const { result } = await node.add({ config: networkConfig({ mode: "bridge" }) });
    expect(result.ips).toMatchObject([
      { address: "10.244.1.2", prefixLength: 24, gateway: "10.244.1.1" },
      { address: "fd00:10:244:1::2", prefixLength: 64, gateway: "fd00:10:244:1::1" },
    ]);
  });

  it("adds to what plugins before it made", async () => {
    const before = {
      interfaces: [{ name: "dummy0" }],
      ips: [{ address: "192.0.2.7" as IpAddress, prefixLength: 24, interface: 0 }],
      routes: [],
      dns: { domain: "a" },
    };
    const config = networkConfig({ dns: { nameservers: ["192.0.2.53"] } });
    const { result } = await node.add({ prevResult: before, config });
    expect(result.interfaces).toHaveLength(3);
    expect(result.ips.map(({ interface: of }) => of)).toEqual([0, 2, 2]);
    expect(result.dns).toEqual({ domain: "a", nameservers: ["192.0.2.53"] });
  });

  it("of what is there already fails, and changes nothing", async () => {
    const pod = await node.add();
    const before = await traces();
    await expect(node.network.add(pod.request)).rejects.toThrow(cni(102));
    expect(await traces()).toEqual(before);
  });

  it("fails where the container has an interface of that name, and leaves both as they were", async () => {
    const { namespace, request } = await node.request();
    await run(namespace, ["ip", "link", "add", "eth0", "type", "veth", "peer", "name", "other"]);
    const before = await traces();
    await expect(node.network.add(request)).rejects.toThrow(cni(102));
    expect(await traces()).toEqual(before);
    expect(await run(namespace, ["ip", "-br", "link"])).toContain("eth0@other");
  });

  it("gives the addresses and the MAC address that are asked for", async () => {
    const mac = "02:00:00:00:00:77" as MacAddress;
    const pod = await node.add({ config: withRuntime({ ips: [ip("10.244.1.77")], mac }) });
    expect(pod.ip).toEqual({ IPv4: "10.244.1.77", IPv6: "fd00:10:244:1::2" });
    expect(await run(pod.namespace, ["ip", "link", "show", "eth0"])).toContain(mac);
    const other = await node.add({ args: new Map([["IP", "10.244.1.78/24"]]) });
    expect(other.ip.IPv4).toBe("10.244.1.78");
  });

  it("refuses an address that somebody has, or that is of no range", async () => {
    await node.add({ config: withRuntime({ ips: [ip("10.244.1.77")] }) });
    const before = await traces();
    for (const address of ["10.244.1.77", "10.9.9.9", "10.244.1.1"]) {
      await expect(node.add({ config: withRuntime({ ips: [ip(address)] }) })).rejects.toThrow(cni(100));
    }
    expect(await traces()).toEqual(before);
  });

  it("takes its addresses from the configuration's ranges, routes and all", async () => {
    const subnet = { address: "192.168.7.0" as IpAddress, prefixLength: 30 };
    const range = { subnet, rangeStart: undefined, rangeEnd: undefined, gateway: undefined };
    const dst = { address: "172.16.0.0" as IpAddress, prefixLength: 12 };
    const config = networkConfig({ ipam: { ranges: [[range]], routes: [{ dst }], dataDir: undefined } });
    const pod = await node.add({ config });
    expect(pod.ip.IPv4).toBe("192.168.7.2");
    expect(await run(pod.namespace, ["ip", "route"])).toBe(
      "169.254.1.1 dev eth0 proto static scope link \n172.16.0.0/12 via 169.254.1.1 dev eth0 proto static \n",
    );
    const before = await traces();
    await expect(node.add({ config })).rejects.toThrow(cni(101));
    expect(await traces()).toEqual(before);
  });

  it("gives every pod another address, however many come at the same time", async () => {
    const pods = await Promise.all(Array.from({ length: 20 }, () => node.add()));
    expect(new Set(pods.flatMap(({ ip }) => [ip.IPv4, ip.IPv6])).size).toBe(40);
    await Promise.all(pods.map((pod) => node.delete(pod)));
    expect(await traces()).toMatchObject({ elements: [], attachments: [], addresses: 0 });
  });
});

describe("DEL", () => {
  it("succeeds without a namespace, again, and of what never was", async () => {
    const before = await traces();
    const pod = await node.add();
    node.closePod(pod.namespace);
    await node.network.delete({ ...pod.request, netns: undefined });
    await node.network.delete({ ...pod.request, netns: undefined });
    await node.network.delete({ ...pod.request, containerId: "never", netns: undefined });
    expect(await traces()).toMatchObject({ ...(before as object), elements: [] });
  });
});

describe("CHECK", () => {
  const check = (pod: Pod) => node.network.check({ ...pod.request, prevResult: pod.result });

  it.each(["routed", "bridge"] as const)("finds what ADD made, mode %s", async (mode) => {
    const bandwidth = { ingressRate: 1e9, ingressBurst: 1e6, egressRate: 1e9, egressBurst: 1e6 };
    const runtimeConfig = { ...networkConfig().runtimeConfig, bandwidth };
    await check(await node.add({ config: networkConfig({ mode, runtimeConfig }) }));
  });

  const faults: readonly (readonly [string, (pod: Pod) => readonly string[], "pod" | "node"])[] = [
    ["the pod's link", () => ["link", "del", "eth0"], "pod"],
    ["the pod's link being up", () => ["link", "set", "eth0", "down"], "pod"],
    ["the pod's address", (pod) => ["addr", "del", `${pod.ip.IPv6}/128`, "dev", "eth0"], "pod"],
    ["the pod's way out", () => ["route", "del", "default"], "pod"],
    ["the route to the pod", (pod) => ["route", "del", pod.ip.IPv4], "node"],
    ["what the node knows of the pod's MAC", (pod) => ["neigh", "del", pod.ip.IPv4, "dev", hostLink(pod)], "node"],
  ];
  const hostLink = (pod: Pod): string => pod.result.interfaces[0]!.name;

  it.each(faults)("misses %s", async (_, command, where) => {
    const pod = await node.add();
    await check(pod);
    await run(where === "pod" ? pod.namespace : node.namespace, ["ip", ...command(pod)]);
    await expect(check(pod)).rejects.toThrow(cni(103));
  });

  it("does not know what was not added", async () => {
    const { request } = await node.request();
    const prevResult = { interfaces: [], ips: [], routes: [], dns: {} };
    await expect(node.network.check({ ...request, prevResult })).rejects.toThrow(cni(3));
  });
});

describe("GC", () => {
  it("takes away what is not in the list, of this network alone", async () => {
    const other = networkConfig({ name: "other" });
    const [kept, stale, ofOther] = [await node.add(), await node.add(), await node.add({ config: other })];
    await node.network.collect({ config: networkConfig(), validAttachments: [kept.request] });
    const left = node.network.attached().map(({ containerId }) => containerId);
    expect(left.sort()).toEqual([kept.containerId, ofOther.containerId].sort());
    expect(await run(node.namespace, ["ip", "-br", "link"])).not.toContain(stale.result.interfaces[0]!.name);
    await node.network.check({ ...kept.request, prevResult: kept.result });
  });
});

describe("STATUS", () => {
  it("says whether a pod can be added", async () => {
    let podCidrs: readonly string[] = [];
    node.stop();
    node = await PodNode.start({ podCidrs: () => podCidrs });
    await expect(node.network.status(networkConfig())).rejects.toThrow(cni(50));
    await expect(node.add()).rejects.toThrow(cni(11));
    podCidrs = ["10.244.7.0/24"];
    await node.network.status(networkConfig());
    expect((await node.add()).ip.IPv4).toBe("10.244.7.2");
    // The node gets another range: pods that are there keep theirs.
    podCidrs = ["10.244.8.0/24"];
    expect((await node.add()).ip.IPv4).toBe("10.244.8.2");
    expect(node.network.addressesInUse).toBe(2);
  });
});
