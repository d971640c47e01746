/**
 * A node between a pod that connects (10.0.0.2) and one with many addresses (10.0.1.2 to .23), as namespaces that have
 * names: programs of all kinds are started in them.
 */
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { native, type NativeNamespace } from "../../../../src/kernel/native.ts";
import type { Cleanup } from "../../../driver.ts";
import { runProgram } from "../../../namespace.ts";

export const groups = [
  ["10.0.1.8", "10.0.1.9", "10.0.1.10", "10.0.1.11"],
  ["10.0.1.16", "10.0.1.17", "10.0.1.18", "10.0.1.19"],
] as const;

export interface Network {
  /** Names under /run/netns. */
  readonly client: string;
  readonly node: string;
  readonly server: string;
  readonly nodeNamespace: NativeNamespace;
  readonly serverNamespace: NativeNamespace;
}

let made = 0;

export async function makeNetwork(cleanup: Cleanup): Promise<Network> {
  const name = (what: string): string => `fairlead-bench-${process.pid}-${made}-${what}`;
  made++;
  const [client, node, server] = [name("client"), name("node"), name("server")];
  const nodeNamespace = await namedNamespace(node, cleanup);
  const clientNamespace = await namedNamespace(client, cleanup);
  const serverNamespace = await namedNamespace(server, cleanup);
  for (const [link, pod, namespace, network, addresses] of [
    ["client", client, clientNamespace, "10.0.0", ["10.0.0.2"]],
    ["server", server, serverNamespace, "10.0.1", groups.flat()],
  ] as const) {
    await ip(nodeNamespace, `link add ${link} type veth peer name eth0 netns ${pod}`, `link set ${link} up`);
    await ip(nodeNamespace, `address add ${network}.1/24 dev ${link}`, "link set lo up");
    await ip(namespace, "link set lo up", ...addresses.map((address) => `address add ${address}/24 dev eth0`));
    await ip(namespace, "link set eth0 up", `route add default via ${network}.1`);
  }
  await runProgram(nodeNamespace, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  return { client, node, server, nodeNamespace, serverNamespace };
}

async function namedNamespace(name: string, cleanup: Cleanup): Promise<NativeNamespace> {
  const file = `/run/netns/${name}`;
  const namespace = await native().createNamedNamespace(file);
  cleanup.add(async () => {
    namespace.close();
    await native().deleteNamedNamespace(file);
  });
  return namespace;
}

async function ip(namespace: NativeNamespace, ...commands: readonly string[]): Promise<void> {
  await runProgram(namespace, ["ip", "-batch", "-"], `${commands.join("\n")}\n`);
}

/** Starts a program in a namespace: not by `ip netns exec`, which hides cgroups. The process is the program itself. */
export function spawnIn(name: string, argv: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn("nsenter", [`--net=/run/netns/${name}`, ...argv], options);
}
