/** Between the plugins of containernetworking, with the product's own pod network. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { namespaces } from "../../../src/kernel/real/namespaces.ts";
import { pluginBinary, startAgent, type TestAgent } from "../../fixtures/cni_plugin.ts";
import { CniTool, type Conflist, type Json, type ToolAttachment } from "../../fixtures/cnitool.ts";
import { run, uniqueName } from "../../fixtures/namespace.ts";
import { PodNode } from "../../fixtures/pod_node.ts";

let node: PodNode;
let agent: TestAgent;
let cache: string;
let pods: string[];

beforeEach(async () => {
  node = await PodNode.start();
  agent = await startAgent(node.network);
  cache = mkdtempSync(path.join(tmpdir(), "fairlead-chain-"));
  pods = [];
});
afterEach(async () => {
  await agent.stop();
  for (const name of pods) await namespaces.delete(name);
  node.stop();
  rmSync(cache, { recursive: true });
});

async function pod(): Promise<ToolAttachment> {
  const name = uniqueName();
  const made = await namespaces.create(name);
  made.close();
  pods.push(name);
  return { containerId: `container-${name}`, netns: `/run/netns/${name}` };
}

const ours = () => ({ type: "fairlead-cni", socket: agent.socketPath });

function tool(cniVersion: string, plugins: Conflist["plugins"]): CniTool {
  const folders = [path.dirname(pluginBinary()), "/usr/lib/cni"];
  const namespace = `/proc/${process.pid}/fd/${node.namespace.fd}`;
  return new CniTool({ cniVersion, name: "chain", plugins }, { folders, cache, namespace });
}

const inPod = (attachment: ToolAttachment, ...argv: [string, ...string[]]) => run(attachment.netns, argv);
const onNode = (...argv: [string, ...string[]]) => run(node.namespace, argv);

interface Shown extends Json {
  readonly interfaces: readonly { name: string; mac?: string; sandbox?: string }[];
  readonly ips: readonly { address: string; interface: number }[];
}

/** Debian bookworm's plugins serve versions up to 1.0.0. */
describe.each(["0.3.1", "0.4.0", "1.0.0"])("version %s", (version) => {
  test("before tuning, bandwidth and portmap", async () => {
    const chain = tool(version, [
      ours(),
      { type: "tuning", capabilities: { mac: true }, sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" }, mtu: 1400 },
      { type: "bandwidth", capabilities: { bandwidth: true } },
      { type: "portmap", capabilities: { portMappings: true }, snat: true },
    ]);
    const attachment = {
      ...(await pod()),
      capabilityArgs: {
        mac: "02:11:22:33:44:55",
        bandwidth: { ingressRate: 8_000_000, ingressBurst: 800_000, egressRate: 8_000_000, egressBurst: 800_000 },
        portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
      },
    };
    const result = (await chain.add(attachment)) as Shown;
    expect(chain.calls).toEqual(["ADD fairlead-cni", "ADD tuning", "ADD bandwidth", "ADD portmap"]);

    const eth0 = result.interfaces.find(({ name }) => name === "eth0");
    expect(eth0).toMatchObject({ mac: "02:11:22:33:44:55", sandbox: attachment.netns });
    expect(await inPod(attachment, "ip", "link", "show", "eth0")).toMatch(/mtu 1400.*02:11:22:33:44:55/s);
    expect(await inPod(attachment, "cat", "/proc/sys/net/ipv4/conf/eth0/arp_filter")).toBe("1\n");
    const hostLink = result.interfaces.find(({ sandbox }) => !sandbox)!.name;
    expect(await onNode("tc", "qdisc", "show", "dev", hostLink)).toContain("tbf");
    const [ipv4] = result.ips.map(({ address }) => address.split("/")[0]!);
    expect(await onNode("iptables-save", "-t", "nat")).toMatch(new RegExp(`--to-destination ${ipv4}:80`));

    await chain.delete(attachment);
    expect(chain.calls.slice(4)).toEqual(["DEL portmap", "DEL bandwidth", "DEL tuning", "DEL fairlead-cni"]);
    expect(await inPod(attachment, "ip", "-o", "link")).not.toContain("eth0");
    expect(await onNode("ip", "-o", "link")).not.toContain(hostLink);
    expect(await onNode("iptables-save", "-t", "nat")).not.toContain("to-destination");
    expect(node.network.addressesInUse).toBe(0);
    expect(readdirSync(cache)).toEqual([]);
  });

  test("after loopback, whose result it passes on", async () => {
    const chain = tool(version, [{ type: "loopback" }, ours(), { type: "tuning" }]);
    const attachment = await pod();
    const result = (await chain.add(attachment)) as Shown;
    expect(result.interfaces[0]).toMatchObject({ name: "lo", sandbox: attachment.netns });
    expect(result.ips.map(({ address }) => address).filter((address) => address.startsWith("127."))).toHaveLength(1);
    for (const { address, interface: index } of result.ips) {
      expect(result.interfaces[index]?.name).toBe(address.startsWith("127.") || address === "::1/128" ? "lo" : "eth0");
    }
    await chain.delete(attachment);
    expect(node.network.addressesInUse).toBe(0);
  });
});

// Not portmap: that of Debian bookworm looks for both families' rules in IPv6's table, so that CHECK never finds them.
test("CHECK of the whole chain, and after something was taken away", async () => {
  const chain = tool("1.0.0", [
    ours(),
    { type: "tuning", mtu: 1400 },
    { type: "bandwidth", egressRate: 8_000_000, egressBurst: 800_000 },
  ]);
  const attachment = await pod();
  await chain.add(attachment);
  await chain.check(attachment);
  await inPod(attachment, "ip", "address", "flush", "dev", "eth0");
  await expect(chain.check(attachment)).rejects.toMatchObject({ plugin: "fairlead-cni", code: 103 });
  await chain.delete(attachment);
});

test("an ADD that fails in the middle of the chain is undone by DEL", async () => {
  const chain = tool("1.0.0", [ours(), { type: "tuning", sysctl: { "net.ipv4.no_such_thing": "1" } }]);
  const attachment = await pod();
  await expect(chain.add(attachment)).rejects.toMatchObject({ plugin: "tuning" });
  expect(node.network.addressesInUse).toBeGreaterThan(0);
  await chain.delete(attachment);
  expect(node.network.addressesInUse).toBe(0);
});

test("an interface that is there already is left as it is, whosever it is", async () => {
  const chain = tool("1.0.0", [ours()]);
  const attachment = await pod();
  await inPod(attachment, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "other0");
  const before = await inPod(attachment, "ip", "-o", "link");
  await expect(chain.add(attachment)).rejects.toMatchObject({ code: 102 });
  expect(await inPod(attachment, "ip", "-o", "link")).toBe(before);
  expect(await onNode("ip", "-o", "link", "show", "type", "veth")).toBe("");
  expect(node.network.addressesInUse).toBe(0);
  await chain.delete(attachment);
  expect(await inPod(attachment, "ip", "-o", "link")).toBe(before);
});

describe("version 1.1.0, alone", () => {
  test("ADD, CHECK, STATUS, GC and DEL", async () => {
    const chain = tool("1.1.0", [ours()]);
    await chain.status();
    const [stays, goes] = [await pod(), await pod()];
    await chain.add(stays);
    await chain.add(goes);
    await chain.check(stays);
    await chain.collect([stays]);
    await chain.check(stays);
    await expect(chain.check({ ...goes })).rejects.toMatchObject({ code: 7 });
    expect(await inPod(goes, "ip", "-o", "link")).not.toContain("eth0");
    await chain.delete(stays);
    await chain.delete(goes);
    expect(node.network.addressesInUse).toBe(0);
  });

  test("DEL when the namespace is gone already", async () => {
    const chain = tool("1.1.0", [ours()]);
    const attachment = await pod();
    await chain.add(attachment);
    await namespaces.delete(pods.pop()!);
    await chain.delete(attachment);
    await chain.delete({ ...attachment, netns: "" });
    expect(node.network.addressesInUse).toBe(0);
  });
});
