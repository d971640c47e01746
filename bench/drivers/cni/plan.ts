/** What the drivers of `cni-add` have in common: pods without a network, and a runtime's calls of a plugin for them. */
import { native, type NativeNamespace } from "../../../src/kernel/native.ts";
import type { Cleanup, Figure, Measurement } from "../../driver.ts";
import { runProgram } from "../../namespace.ts";
import { summarizeLatencies } from "./latency.ts";

export type CniParameters = {
  /** Pods that are added, and deleted, in each way of calling. */
  readonly pods: number;
  /** Calls at one time in the second way. */
  readonly atOnce: number;
};

/** A plugin under measurement. */
export interface PluginUnderTest {
  /** Where it acts as on its host. */
  readonly node: NativeNamespace;
  /** Its program. */
  readonly program: string;
  /** CNI_PATH. */
  readonly folder: string;
  readonly config: object;
}

export const subnet = "10.77.0.0/16";

/** A node's namespace that forwards, as a node's does. */
export async function freshNode(cleanup: Cleanup): Promise<NativeNamespace> {
  const node = await native().createNamespace();
  cleanup.add(() => node.close());
  await runProgram(node, ["ip", "link", "set", "lo", "up"]);
  await runProgram(node, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  return node;
}

/** Adds and deletes all pods one by one, then some at one time. A round before, of which nothing counts, fills caches. */
export async function measureCalls(plugin: PluginUnderTest, parameters: CniParameters): Promise<Measurement> {
  const { pods, atOnce } = parameters;
  await round(plugin, Math.min(pods, 50), 4);
  const alone = await round(plugin, pods, 1);
  const together = await round(plugin, pods, atOnce);
  const links = await runProgram(plugin.node, ["ip", "-o", "link", "show", "type", "veth"]);
  return {
    figures: {
      ...figuresOf("add", alone.add),
      ...figuresOf("del", alone.del),
      ...figuresOf(`add ×${atOnce}`, together.add),
      ...figuresOf(`del ×${atOnce}`, together.del),
    },
    outcome: `${alone.addresses} and ${together.addresses} addresses, ${together.links} links; ${links.split("\n").length - 1} links left`,
  };
}

function figuresOf(name: string, latencies: readonly number[]): Record<string, Figure> {
  const { p50, p99 } = summarizeLatencies(latencies);
  return { [`${name} p50`]: { value: p50, unit: "ms" }, [`${name} p99`]: { value: p99, unit: "ms" } };
}

interface Round {
  readonly add: readonly number[];
  readonly del: readonly number[];
  /** Different addresses that pods got. */
  readonly addresses: number;
  readonly links: number;
}

async function round(plugin: PluginUnderTest, pods: number, atOnce: number): Promise<Round> {
  const namespaces = await Promise.all(Array.from({ length: pods }, () => native().createNamespace()));
  try {
    const add = await each(namespaces, atOnce, (pod, i) => call(plugin, "ADD", pod, i));
    const links = await runProgram(plugin.node, ["ip", "-o", "link", "show", "type", "veth"]);
    const results = add.map(({ stdout }) => JSON.parse(stdout) as { ips: { address: string }[] });
    const configs = results.map((prevResult) => ({ prevResult }));
    const del = await each(namespaces, atOnce, (pod, i) => call(plugin, "DEL", pod, i, configs[i]));
    return {
      add: add.map(({ ms }) => ms),
      del: del.map(({ ms }) => ms),
      addresses: new Set(results.flatMap(({ ips }) => ips.map(({ address }) => address))).size,
      links: links.split("\n").length - 1,
    };
  } finally {
    for (const namespace of namespaces) namespace.close();
  }
}

interface Called {
  readonly ms: number;
  readonly stdout: string;
}

/** As a runtime calls it: a process, from its start to its end. */
async function call(
  { node, program, folder, config }: PluginUnderTest,
  verb: "ADD" | "DEL",
  pod: NativeNamespace,
  index: number,
  more: object = {},
): Promise<Called> {
  const env = {
    PATH: process.env["PATH"] ?? "",
    CNI_COMMAND: verb,
    CNI_CONTAINERID: `bench-${index}`,
    CNI_NETNS: `/proc/${process.pid}/fd/${pod.fd}`,
    CNI_IFNAME: "eth0",
    CNI_PATH: folder,
  };
  const stdin = Buffer.from(JSON.stringify({ ...config, ...more }));
  const start = performance.now();
  const { status, stdout } = await native().runInNamespace(node, {
    argv: [program],
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    stdin,
    timeoutMs: 60_000,
    maxOutputBytes: 1 << 20,
  });
  const ms = performance.now() - start;
  if (status !== 0) throw new Error(`${verb} of ${program} ended with ${status}: ${stdout.toString().slice(0, 500)}`);
  return { ms, stdout: stdout.toString() };
}

/** Does it for each item, so many at one time, in their order. */
async function each<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<Called>,
): Promise<Called[]> {
  const done: Called[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) done[i] = await work(items[i]!, i);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return done;
}
