/** Service proxies of a node, as processes in its network namespace. */
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Cleanup } from "../../../driver.ts";
import { runProgram, scratchFolder } from "../../../namespace.ts";
import { compiled } from "../../api/loader.ts";
import { end, endsEarly } from "../../api/processes.ts";
import { clusterCidr, nodeName } from "../content.ts";
import { rivalTable } from "../rival_text.ts";
import { openFrontends, type Frontends } from "./frontends.ts";
import type { BenchedMode, ModeParameters } from "./modes.ts";
import { spawnIn, type Network } from "./network.ts";

export interface ProxySystem {
  readonly name: string;
  readonly what: string;
  missing?(): string | undefined;
  /** Its command line, without its configuration. */
  readonly command: () => readonly string[];
  /** The map of its table that has an element for each frontend, in the mode nftables. */
  readonly frontends: { readonly table: string; readonly map: string };
  /** KubeProxyConfiguration: minSyncPeriod of the mode's section */
  readonly minSyncPeriod: string;
}

export const fairleadProxy: ProxySystem = {
  name: "fairlead",
  what: "fairlead proxy, by its launcher",
  command: () => [fileURLToPath(new URL("../../../../../fairlead", compiled(import.meta.url))), "proxy"],
  frontends: { table: "fairlead", map: "frontends" },
  // 0s would mean upstream's default, 1 s: two syncs follow one another at once, then one each second.
  minSyncPeriod: "1ms",
};

export const kubeProxy: ProxySystem = {
  name: "kube-proxy",
  what: "upstream's kube-proxy in the same mode, as KUBE_PROXY names it",
  missing: () => (process.env["KUBE_PROXY"] ? undefined : "KUBE_PROXY is not set"),
  command: () => [process.env["KUBE_PROXY"]!],
  frontends: { table: rivalTable, map: "service-ips" },
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
  { mode, variant }: ModeParameters,
  { node, nodeNamespace }: Network,
  kubeconfig: string,
  cleanup: Cleanup,
): Promise<RunningProxy> {
  const config = path.join(scratchFolder(cleanup), "kube-proxy.yaml");
  writeFileSync(config, JSON.stringify(configuration(mode, system.minSyncPeriod, kubeconfig)));
  const programs = `iptables-${variant}`;
  // The kubelet's, by which a proxy knows which programs the node uses.
  if (mode === "iptables") await runProgram(nodeNamespace, [programs, "-t", "mangle", "-N", "KUBE-IPTABLES-HINT"]);
  const frontends = await openFrontends(mode, programs, system.frontends, nodeNamespace, cleanup);
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
    programmed: (wanted, timeoutMs) => Promise.race([untilProgrammed(frontends, wanted, timeoutMs, child), ended]),
  };
}

async function untilProgrammed(
  { hasChanged, count, lookEveryMs }: Frontends,
  wanted: number,
  timeoutMs: number,
  child: ChildProcess,
): Promise<number> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline && child.exitCode === null) {
    const changed = await hasChanged();
    const atMs = performance.now();
    if (changed && (await count()) >= wanted) return atMs;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  throw new Error(`no ${wanted} frontends within ${timeoutMs} ms`);
}

function configuration(mode: BenchedMode, minSyncPeriod: string, kubeconfig: string): object {
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
