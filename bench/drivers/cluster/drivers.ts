/** The drivers of `cluster-scale`: a control plane, a process of hollow nodes, and the load. */
import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { HttpClient } from "../../../src/api/http/http_client.ts";
import { resourceTypes } from "../../../src/api/resource_types.ts";
import type { Cleanup, Driver, Measurement } from "../../driver.ts";
import { compiled } from "../api/loader.ts";
import { figure } from "../api/measured.ts";
import { cpuMs, end, endsEarly, residentMegabytes } from "../api/processes.ts";
import { createDeployments, makeNamespaces, nodesReady, percentile, PodWatch, Prober, until } from "./load.ts";
import { fairleadCluster, upstreamCluster, type ClusterSystem, type RunningCluster } from "./system.ts";

export type ClusterParameters = {
  readonly nodes: number;
  readonly pods: number;
  readonly podsPerDeployment: number;
  /** Pods a second that are asked for. */
  readonly rate: number;
  /** Calls a second of a client beside the load. */
  readonly probes: number;
};

const systems: readonly ClusterSystem[] = [fairleadCluster, upstreamCluster];

export const clusterDrivers: readonly Driver<ClusterParameters>[] = systems.map((system) => ({
  name: system.name,
  what: system.what,
  ...(system.missing ? { missing: () => system.missing!() } : {}),
  async prepare(parameters, cleanup) {
    const cluster = await system.start(cleanup);
    const client = clientOf(cluster, cleanup);
    startHollowProcess(cluster, parameters.nodes, cleanup);
    await makeNamespaces(client);
    await nodesReady(client, parameters.nodes);
    return () => measure(cluster, client, parameters, cleanup);
  },
}));

function clientOf({ kubeconfig }: RunningCluster, cleanup: Cleanup): HttpClient {
  const client = new HttpClient({ kubeconfig, userAgent: "fairlead-bench", timeoutMs: 60_000 });
  cleanup.add(() => client.close());
  return client;
}

function startHollowProcess({ kubeconfig }: RunningCluster, nodes: number, cleanup: Cleanup): void {
  const main = fileURLToPath(new URL("../../../src/main.js", compiled(import.meta.url)));
  const args = [main, "bench", "hollow", "--kubeconfig", kubeconfig, "--nodes", String(nodes)];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  endsEarly(child, "the hollow nodes").catch(() => undefined);
  cleanup.add(() => end(child));
}

async function measure(
  cluster: RunningCluster,
  client: HttpClient,
  parameters: ClusterParameters,
  cleanup: Cleanup,
): Promise<Measurement> {
  const { resourceVersion } = await client.list(resourceTypes.pods, { limit: 1 });
  // Apart: what waits behind a list is not a watcher's delay.
  const watch = new PodWatch(clientOf(cluster, cleanup), resourceVersion);
  const prober = new Prober(clientOf(cluster, cleanup));
  const memory = new MemoryWatch(cluster);
  cleanup.add(() => memory.stop());
  await cluster.loopDelay?.();
  const cpuBefore = cpuOf(cluster);
  const from = performance.now();
  prober.start(parameters.probes);
  await createDeployments(client, parameters);
  // A machine that is shared may give a tenth of itself.
  const boundMs = 60_000 + (parameters.pods / parameters.rate) * 10_000;
  await until(`${parameters.pods} running pods`, () => isDone(watch, parameters.pods), boundMs);
  const ms = watch.lastRunningAt - from;
  const cpu = cpuOf(cluster) - cpuBefore;
  const delay = await cluster.loopDelay?.();
  await prober.stop();
  watch.stop();
  const fullList = await timeOfFullList(client);
  const memoryMax = memory.stop();
  return {
    figures: {
      pods: figure(parameters.pods / (ms / 1000), "1/s"),
      "to running p50": figure(percentile(watch.toRunningMs, 0.5), "ms"),
      "to running p99": figure(percentile(watch.toRunningMs, 0.99), "ms"),
      "call p99": figure(percentile(Object.values(prober.times).flat(), 0.99), "ms"),
      ...Object.fromEntries(
        Object.entries(prober.times).map(([verb, times]) => [`${verb} p99`, figure(percentile(times, 0.99), "ms")]),
      ),
      "watch restarts": figure(watch.restarts, ""),
      "failed calls": figure(prober.errors, ""),
      "full list": figure(fullList.ms, "ms"),
      "server memory": figure(memoryMax, "MB"),
      "server cpu": figure((cpu / ms) * 100, "% of a core"),
      // Of a shared machine this says more than times do.
      "cpu per pod": figure(cpu / parameters.pods, "ms"),
      ...(delay ? { "loop p99": figure(delay.p99, "ms"), "loop max": figure(delay.max, "ms") } : {}),
    },
    outcome: `${fullList.running} running pods`,
  };
}

function isDone(watch: PodWatch, pods: number): boolean {
  if (watch.failure !== undefined) throw new Error(`the watch of pods ended: ${watch.failure}`);
  return watch.running >= pods;
}

async function timeOfFullList(client: HttpClient): Promise<{ ms: number; running: number }> {
  const from = performance.now();
  // One answer, not pages.
  const { items } = await client.list(resourceTypes.pods, { limit: 1_000_000 });
  const ms = performance.now() - from;
  return { ms, running: items.filter(({ status }) => status?.phase === "Running").length };
}

function cpuOf({ pids }: RunningCluster): number {
  return pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
}

/** The most that a server had, looked at each half second. */
class MemoryWatch {
  #max = 0;
  readonly #timer: NodeJS.Timeout;

  constructor({ pids }: RunningCluster) {
    this.#timer = setInterval(() => {
      const now = pids.reduce((sum, pid) => sum + residentMegabytes(pid), 0);
      this.#max = Math.max(this.#max, now);
    }, 500);
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.#max;
  }
}
