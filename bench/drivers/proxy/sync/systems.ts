/** Service proxies of a node, as processes in its network namespace. */
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { RealNftables } from "../../../../src/kernel/real/nftables.ts";
import type { Cleanup } from "../../../driver.ts";
import { scratchFolder } from "../../../namespace.ts";
import { compiled } from "../../api/loader.ts";
import { end, endsEarly } from "../../api/processes.ts";
import { clusterCidr, nodeName } from "../content.ts";
import { rivalTable } from "../rival_text.ts";
import { spawnIn, type Network } from "./network.ts";

export interface ProxySystem {
  readonly name: string;
  readonly what: string;
  missing?(): string | undefined;
  /** The map that has an element for each frontend of the cluster. */
  readonly frontends: { readonly table: string; readonly map: string };
  /** Its command line, without its configuration. */
  readonly command: () => readonly string[];
  /** KubeProxyConfiguration: nftables.minSyncPeriod */
  readonly minSyncPeriod: string;
}

export const fairleadProxy: ProxySystem = {
  name: "fairlead",
  what: "fairlead proxy, by its launcher",
  frontends: { table: "fairlead", map: "frontends" },
  command: () => [fileURLToPath(new URL("../../../../../fairlead", compiled(import.meta.url))), "proxy"],
  // 0s would mean upstream's default, 1 s: two syncs follow one another at once, then one each second.
  minSyncPeriod: "1ms",
};

export const kubeProxy: ProxySystem = {
  name: "kube-proxy",
  what: "upstream's kube-proxy in its nftables mode, as KUBE_PROXY names it",
  missing: () => (process.env["KUBE_PROXY"] ? undefined : "KUBE_PROXY is not set"),
  frontends: { table: rivalTable, map: "service-ips" },
  command: () => [process.env["KUBE_PROXY"]!],
  // Its default: a change that comes alone is not held up by it.
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
      Promise.race([untilProgrammed(nftables, system, frontends, timeoutMs, child), ended]),
  };
}

const lookEveryMs = 5;

/** Asks for the generation, which costs nothing, and counts elements when it is another. */
async function untilProgrammed(
  nftables: RealNftables,
  { frontends: { table, map } }: ProxySystem,
  wanted: number,
  timeoutMs: number,
  child: ChildProcess,
): Promise<number> {
  const deadline = performance.now() + timeoutMs;
  let seen = -1;
  while (performance.now() < deadline && child.exitCode === null) {
    const generation = await nftables.generation();
    const atMs = performance.now();
    if (generation !== seen) {
      const elements = await nftables.listElements({ family: "ip", name: table }, map).catch(() => []);
      if (elements.length >= wanted) return atMs;
      seen = generation;
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  throw new Error(`no ${wanted} elements in ${map} within ${timeoutMs} ms`);
}

function configuration({ minSyncPeriod }: ProxySystem, kubeconfig: string): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clientConnection: { kubeconfig },
    hostnameOverride: nodeName,
    clusterCIDR: clusterCidr,
    detectLocalMode: "ClusterCIDR",
    nftables: { minSyncPeriod, syncPeriod: "30s" },
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  };
}
