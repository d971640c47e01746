/** The plugin where no agent is: `fairlead cni install --standalone`, and a runtime that calls it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { native, type NativeNamespace } from "../../src/kernel/native.ts";
import { namespaces } from "../../src/kernel/real/namespaces.ts";
import { runPlugin } from "../fixtures/cni_plugin.ts";
import { CniTool, type Conflist, type ToolAttachment } from "../fixtures/cnitool.ts";
import { run, uniqueName } from "../fixtures/namespace.ts";

const root = path.resolve(import.meta.dirname, "../..");
let folder: string;
let node: NativeNamespace;
let list: Conflist;
let tool: CniTool;
let pods: string[];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-alone-"));
  node = await native().createNamespace();
  await run(node, ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
  const [bin, conf] = [path.join(folder, "bin"), path.join(folder, "net.d")];
  const flags = ["--bin-dir", bin, "--conf-dir", conf, "--standalone", "--socket", path.join(folder, "run/cni.sock")];
  const subnets = ["--subnet", "10.99.0.0/24", "--subnet", "fd00:99::/64"];
  execFileSync(path.join(root, "fairlead"), ["cni", "install", ...flags, ...subnets], {
    env: { ...process.env, FAIRLEAD_SKIP_SETUP: "1" },
  });
  const written = JSON.parse(readFileSync(path.join(conf, "10-fairlead.conflist"), "utf8")) as Conflist;
  // Beside others that run at the same time.
  const plugins = written.plugins.map((plugin) => ({
    ...plugin,
    ipam: { ...(plugin["ipam"] as object), dataDir: path.join(folder, "state") },
  }));
  list = { ...written, cniVersion: "1.1.0", plugins };
  const namespace = `/proc/${process.pid}/fd/${node.fd}`;
  tool = new CniTool(list, { folders: [bin], cache: path.join(folder, "cache"), namespace });
  pods = [];
});
afterEach(async () => {
  for (const name of pods) await namespaces.delete(name);
  node.close();
  rmSync(folder, { recursive: true });
});

async function pod(capabilityArgs: object = {}): Promise<ToolAttachment> {
  const name = uniqueName();
  (await namespaces.create(name)).close();
  pods.push(name);
  return { containerId: `container-${name}`, netns: `/run/netns/${name}`, capabilityArgs: { ...capabilityArgs } };
}

const addressesOf = (result: Readonly<Record<string, unknown>>): string[] =>
  (result["ips"] as { address: string }[]).map(({ address }) => address.split("/")[0]!);

test("adds, checks, collects and deletes, each call a process that remembers the others", async () => {
  await tool.status();
  const [one, two, three] = [
    await pod(),
    await pod({ portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] }),
    await pod(),
  ];
  const [first, second] = [await tool.add(one), await tool.add(two)];
  expect(new Set([...addressesOf(first), ...addressesOf(second)]).size).toBe(4);
  for (const address of addressesOf(second)) await run(one.netns, ["busybox", "ping", "-c1", "-W5", address]);
  expect(await run(node, ["nft", "list", "ruleset"])).toContain("8080");

  await tool.add(three);
  // What another process wrote of its pods is still there.
  expect(await run(node, ["nft", "list", "ruleset"])).toContain("8080");
  await tool.check(two);
  await tool.collect([one]);
  await tool.check(one);
  await tool.delete(one);
  expect(await run(node, ["ip", "-o", "link", "show", "type", "veth"])).toBe("");
  expect(readdirSync(path.join(folder, "cache"))).toEqual([]);
});

test("many at one time come one after another, and none gets another's address", async () => {
  const all = await Promise.all(Array.from({ length: 4 }, () => pod()));
  const results = await Promise.all(all.map((one) => tool.add(one)));
  expect(new Set(results.flatMap(addressesOf)).size).toBe(8);
  await Promise.all(all.map((one) => tool.delete(one)));
  expect(await run(node, ["ip", "-o", "link", "show", "type", "veth"])).toBe("");
  expect(statSync(path.join(folder, "run/cni.sock.lock")).mode & 0o7777).toBe(0o600);
});

test("what is wrong has the same answer as from the agent, and makes nothing", async () => {
  const [plugin] = list.plugins;
  const config = { ...plugin, cniVersion: "1.1.0", name: "alone", capabilities: undefined };
  const env = { CNI_CONTAINERID: "c1", CNI_NETNS: "/proc/self/ns/net", CNI_IFNAME: "eth0", PATH: process.env["PATH"]! };
  const call = async (verb: string, changes: object = {}, variables: object = {}) => {
    const program = path.join(folder, "bin/fairlead-cni");
    const namespace = `/proc/${process.pid}/fd/${node.fd}`;
    const full = { ...env, CNI_COMMAND: verb, ...variables };
    const { stdout } = await runPlugin({
      program,
      namespace,
      env: full,
      stdin: JSON.stringify({ ...config, ...changes }),
    });
    return (JSON.parse(stdout) as { code: number }).code;
  };
  expect(await call("ADD")).toBe(4);
  expect(await call("ADD", { mtu: 1 })).toBe(7);
  expect(await call("ADD", { unknown: 1 })).toBe(2);
  expect(await call("STATUS", { ipam: undefined })).toBe(7);
  expect(await call("ADD", { ipam: {} }, { CNI_NETNS: (await pod()).netns })).toBe(7);
  expect(readdirSync(folder).includes("state")).toBe(false);
});
