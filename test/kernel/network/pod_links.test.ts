/** Pods of one node, linked either way, in both families: what reaches whom, and what does not. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import type { IpFamily } from "../../../src/model/service.ts";
import type { NetworkConfig } from "../../../cni/plugin.ts";
import { addresses } from "../../fixtures/addresses.ts";
import { run } from "../../fixtures/namespace.ts";
import { networkConfig, PodNode, type Pod } from "../../fixtures/pod_node.ts";

const families: readonly IpFamily[] = ["IPv4", "IPv6"];
const bits = { IPv4: 32, IPv6: 128 } as const;

/** None is expected: it is not waited for as long. */
const noAnswer = "no answer";

/** Whether one packet is answered. A second is long within a machine, but for one that is busy. */
async function reaches(from: NativeNamespace, to: string, ...options: string[]): Promise<boolean> {
  const seconds = options.includes("-I") || options.includes(noAnswer) ? "1" : "8";
  const given = options.filter((option) => option !== noAnswer);
  try {
    await run(from, ["busybox", "ping", "-c1", "-W", seconds, ...given, to], { timeoutMs: 20_000 });
    return true;
  } catch {
    return false;
  }
}

const ip = (namespace: NativeNamespace, ...words: string[]) => run(namespace, ["ip", ...words]);

async function dropped(node: PodNode, table: "inet" | "bridge"): Promise<number> {
  const text = await run(node.namespace, ["nft", "list", "chain", table, "fairlead-pods", "from-pod"]);
  return Number(/counter packets (\d+) bytes \d+ drop/.exec(text)![1]);
}

describe.each(["routed", "bridge"] as const)("pods of mode %s", (mode) => {
  let node: PodNode;
  let one: Pod;
  let two: Pod;
  const table = mode === "routed" ? "inet" : "bridge";
  const config = (changes: Partial<NetworkConfig> = {}) => networkConfig({ mode, ...changes });
  beforeAll(async () => {
    node = await PodNode.start({ mtu: () => 1400 });
    [one, two] = [await node.add({ config: config() }), await node.add({ config: config() })];
    // The node's own address, as its uplink would have it.
    await ip(node.namespace, "addr", "add", `${addresses.IPv4.node}/32`, "dev", "lo");
    await ip(node.namespace, "addr", "add", `${addresses.IPv6.node}/128`, "dev", "lo", "nodad");
  });
  afterAll(() => node?.stop());

  describe.each(families)("%s", (family) => {
    const nodad = family === "IPv6" ? ["nodad"] : [];
    const nobodys = { IPv4: "10.244.1.200", IPv6: "fd00:10:244:1::200" }[family];

    it("reach one another, themselves and the node, and are reached from there", async () => {
      expect(await reaches(one.namespace, two.ip[family])).toBe(true);
      expect(await reaches(two.namespace, one.ip[family])).toBe(true);
      expect(await reaches(one.namespace, one.ip[family])).toBe(true);
      expect(await reaches(one.namespace, addresses[family].node)).toBe(true);
      expect(await reaches(node.namespace, two.ip[family])).toBe(true);
    });

    it("pass packets of the link's whole size", async () => {
      const header = family === "IPv4" ? 28 : 48;
      expect(await reaches(one.namespace, two.ip[family], "-s", String(1400 - header))).toBe(true);
      expect(await ip(one.namespace, "link", "show", "eth0")).toContain(" mtu 1400 ");
    });

    it("cannot send from an address that is not theirs, whoever has it", async () => {
      const others = [nobodys, two.ip[family]];
      const change = (verb: "add" | "del", address: string) =>
        ip(one.namespace, "addr", verb, `${address}/${bits[family]}`, "dev", "eth0", ...nodad);
      for (const address of others) await change("add", address);
      const before = await dropped(node, table);
      const sent = others.map((address) => reaches(one.namespace, addresses[family].node, "-I", address));
      expect(await Promise.all(sent)).toEqual([false, false]);
      for (const address of others) await change("del", address);
      expect(await dropped(node, table)).toBeGreaterThanOrEqual(before + others.length);
      expect(await reaches(one.namespace, addresses[family].node)).toBe(true);
    });
  });

  it("cannot send from a MAC address that is not theirs", async () => {
    const { mac } = one.result.interfaces[1]!;
    const all = (...options: string[]) =>
      Promise.all(families.map((family) => reaches(one.namespace, addresses[family].node, ...options)));
    await ip(one.namespace, "link", "set", "eth0", "address", "02:00:00:00:00:66");
    const before = await dropped(node, table);
    expect(await all(noAnswer)).toEqual([false, false]);
    expect(await dropped(node, table)).toBeGreaterThan(before);
    await ip(one.namespace, "link", "set", "eth0", "address", mac!);
    expect(await all()).toEqual([true, true]);
  });

  it("have addresses that can be used at once", async () => {
    const pod = await node.add({ config: config() });
    const text = await ip(pod.namespace, "-6", "addr", "show", "dev", "eth0");
    expect(text).toContain(pod.ip.IPv6);
    expect(text).not.toContain("tentative");
    expect(await ip(pod.namespace, "link", "show", "lo")).toContain("LOOPBACK,UP");
    await node.delete(pod);
  });

  it("have IPv6 although the runtime disabled it in their namespace", async () => {
    const { namespace, request } = await node.request({ config: config() });
    await run(namespace, ["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]);
    const { ips } = await node.network.add(request);
    expect(await reaches(node.namespace, ips[1]!.address)).toBe(true);
    await node.network.delete(request);
  });

  it("take no more than their rate", async () => {
    const bandwidth = { ingressRate: 2_000_000, ingressBurst: 80_000, egressRate: 2_000_000, egressBurst: 80_000 };
    const runtimeConfig = { ...networkConfig().runtimeConfig, bandwidth };
    const pod = await node.add({ config: config({ runtimeConfig }) });
    for (const taken of await Promise.all([transfer(pod, two, 300_000), transfer(two, pod, 300_000)])) {
      // 300 KB less the burst at 250 KB/s: more than a second, however quick or slow the machine is.
      expect(taken).toBeGreaterThan(1000);
    }
    await node.delete(pod);
  });

  it("leave nothing on the node", async () => {
    const links = () => ip(node.namespace, "-br", "link");
    const rules = async () => (await run(node.namespace, ["nft", "list", "ruleset"])).replace(/counter.*drop/, "");
    const before = [await links(), await rules(), node.network.addressesInUse];
    const pod = await node.add({ config: config() });
    expect(await links()).not.toBe(before[0]);
    expect(await rules()).not.toBe(before[1]);
    await node.delete(pod);
    expect([await links(), await rules(), node.network.addressesInUse]).toEqual(before);
    expect(await ip(pod.namespace, "-br", "link")).not.toContain("eth0");
  });
});

/** Bytes from one pod to the other, over TCP. @returns ms that it took */
async function transfer(from: Pod, to: Pod, bytes: number): Promise<number> {
  const start = performance.now();
  const port = "5001";
  const send = ["dd", "if=/dev/zero", "bs=1000", `count=${bytes / 1000}`];
  const sent = run(from.namespace, ["busybox", "nc", "-l", "-p", port, "-e", ...send], { timeoutMs: 30_000 });
  const receive = `busybox nc ${from.ip.IPv4} ${port} | wc -c`;
  let received = 0;
  // Who sends may not listen yet.
  for (let attempt = 0; received === 0 && attempt < 100; attempt++) {
    received = Number(await run(to.namespace, ["sh", "-c", receive], { timeoutMs: 30_000 }));
  }
  await sent;
  expect(received).toBe(bytes);
  return performance.now() - start;
}

describe("a node whose state is lost", () => {
  let node: PodNode;
  afterEach(() => node?.stop());

  it("gives nobody the addresses of pods that live, and takes them away when they go", async () => {
    node = await PodNode.start();
    const pod = await node.add();
    await node.restart("another boot");
    expect(node.network.attached().map(({ containerId }) => containerId)).toEqual([pod.containerId]);
    const next = await node.add();
    expect(next.ip.IPv4).not.toBe(pod.ip.IPv4);
    expect(await reaches(next.namespace, pod.ip.IPv6)).toBe(true);
    await node.delete(pod);
    expect(await ip(node.namespace, "-br", "link")).not.toContain(pod.result.interfaces[0]!.name);
    expect(node.network.addressesInUse).toBe(2);
  });
});
