/** Service proxies of a node, as processes in its network namespace. */
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { RealNftables } from "../../../../src/kernel/real/nftables.ts";
import type { NativeNamespace } from "../../../../src/kernel/native.ts";
import type { Cleanup } from "../../../driver.ts";
import { missingProgram, runProgram, scratchFolder } from "../../../namespace.ts";
import { compiled } from "../../api/loader.ts";
import { end, endsEarly } from "../../api/processes.ts";
import { clusterCidr, nodeName } from "../content.ts";
import { rivalTable } from "../rival_text.ts";
import { spawnIn, type Network } from "./network.ts";

export interface ProxySystem {
  readonly name: string;
  readonly what: string;
  missing?(): string | undefined;
  /** KubeProxyConfiguration: mode */
  readonly mode: "nftables" | "iptables";
  /** Frontends of the cluster that are programmed; asked when the ruleset is another than before. */
  readonly frontends: (node: ProxiedNode) => Promise<number>;
  /** How often that may be asked, in ms. */
  readonly lookEveryMs: number;
  /** Its command line, without its configuration. */
  readonly command: () => readonly string[];
  /** KubeProxyConfiguration: minSyncPeriod of the mode's section */
  readonly minSyncPeriod: string;
}

interface ProxiedNode {
  readonly nftables: RealNftables;
  readonly namespace: NativeNamespace;
}

/** The map that has an element for each of them. */
function elementsOf(table: string, map: string) {
  return async ({ nftables }: ProxiedNode): Promise<number> => {
    const elements = await nftables.listElements({ family: "ip", name: table }, map).catch(() => []);
    return elements.length;
  };
}

/** KUBE-SERVICES is there when all is that it leads to. */
async function rulesOfServices({ namespace }: ProxiedNode): Promise<number> {
  const listing = await runProgram(namespace, ["iptables-nft", "-t", "nat", "-S", "KUBE-SERVICES"]).catch(() => "");
  return listing.match(/-j KUBE-(SVC|EXT)-/g)?.length ?? 0;
}

const byNftables = { mode: "nftables", lookEveryMs: 5 } as const;
/** A look is a process. */
const byIptables = { mode: "iptables", lookEveryMs: 100, frontends: rulesOfServices } as const;
const launcher = (): readonly string[] => [
  fileURLToPath(new URL("../../../../../fairlead", compiled(import.meta.url))),
  "proxy",
];
const upstream = (): readonly string[] => [process.env["KUBE_PROXY"]!];
const missingUpstream = (): string | undefined => (process.env["KUBE_PROXY"] ? undefined : "KUBE_PROXY is not set");

export const fairleadProxy: ProxySystem = {
  name: "fairlead",
  what: "fairlead proxy, by its launcher",
  ...byNftables,
  frontends: elementsOf("fairlead", "frontends"),
  command: launcher,
  // 0s would mean upstream's default, 1 s: two syncs follow one another at once, then one each second.
  minSyncPeriod: "1ms",
};

export const kubeProxy: ProxySystem = {
  name: "kube-proxy",
  what: "upstream's kube-proxy in its nftables mode, as KUBE_PROXY names it",
  missing: missingUpstream,
  ...byNftables,
  frontends: elementsOf(rivalTable, "service-ips"),
  command: upstream,
  // Its default: a change that comes alone is not held up by it.
  minSyncPeriod: "1s",
};

export const fairleadIptables: ProxySystem = {
  name: "iptables mode",
  what: "fairlead proxy, mode iptables, by its launcher",
  missing: () => missingProgram("iptables-nft"),
  ...byIptables,
  command: launcher,
  minSyncPeriod: "1ms",
};

export const kubeProxyIptables: ProxySystem = {
  name: "kube-proxy, iptables",
  what: "upstream's kube-proxy in its iptables mode, as KUBE_PROXY names it",
  missing: () => missingUpstream() ?? missingProgram("iptables-nft"),
  ...byIptables,
  command: upstream,
  minSyncPeriod: "1s",
};

export interface RunningProxy {
  readonly pid: number;
  readonly startedAtMs: number;
  /** Waits until the kernel has so many frontends: a transaction brings all. @returns when, in ms of performance.now() */
  programmed(frontends: number, timeoutMs: number): Promise<number>;
}

export async function startProxy(
  system: ProxySystem,
  { node, nodeNamespace }: Network,
  kubeconfig: string,
  cleanup: Cleanup,
): Promise<RunningProxy> {
  const config = path.join(scratchFolder(cleanup), "kube-proxy.yaml");
  writeFileSync(config, JSON.stringify(configuration(system, kubeconfig)));
  const nftables = await RealNftables.open(nodeNamespace);
  cleanup.add(() => nftables.close());
  const startedAtMs = performance.now();
  const child = spawnIn(node, [...system.command(), `--config=${config}`], {
    stdio: ["ignore", "ignore", process.env["BENCH_LOG"] ? "inherit" : "ignore"],
    env: { ...process.env, FAIRLEAD_SKIP_SETUP: "1" },
  });
  cleanup.add(() => end(child));
  const ended = endsEarly(child, system.name);
  ended.catch(() => undefined);
  return {
    pid: child.pid!,
    startedAtMs,
    programmed: (frontends, timeoutMs) =>
      Promise.race([
        untilProgrammed({ nftables, namespace: nodeNamespace }, system, frontends, timeoutMs, child),
        ended,
      ]),
  };
}

/** Asks for the generation, which costs nothing, and counts elements when it is another. */
async function untilProgrammed(
  node: ProxiedNode,
  { name, frontends, lookEveryMs }: ProxySystem,
  wanted: number,
  timeoutMs: number,
  child: ChildProcess,
): Promise<number> {
  const deadline = performance.now() + timeoutMs;
  let seen = -1;
  while (performance.now() < deadline && child.exitCode === null) {
    const generation = await node.nftables.generation();
    const atMs = performance.now();
    if (generation !== seen) {
      if ((await frontends(node)) >= wanted) return atMs;
      seen = generation;
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  throw new Error(`no ${wanted} frontends of ${name} within ${timeoutMs} ms`);
}

function configuration({ mode, minSyncPeriod }: ProxySystem, kubeconfig: string): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode,
    clientConnection: { kubeconfig },
    hostnameOverride: nodeName,
    clusterCIDR: clusterCidr,
    detectLocalMode: "ClusterCIDR",
    [mode]: { minSyncPeriod, syncPeriod: "30s" },
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  };
}
