/**
 * The CNI plugin without a node agent: fairlead-cni runs this through node where its configuration says `standalone`,
 * one at a time. It does what the agent would do, and ends.
 */
import { readFileSync, writeSync } from "node:fs";
import { CniError } from "../../cni/error.ts";
import { handleCall } from "../../cni/handle.ts";
import type { NetworkConfig, PodNetwork } from "../../cni/plugin.ts";
import { maxStdinBytes } from "../../cni/wire.ts";
import { namespaces } from "../kernel/real/namespaces.ts";
import { openRouting } from "../kernel/real/routing.ts";
import { noMetrics } from "../network/metrics.ts";
import { openPodNetwork, type OpenPodNetwork } from "./pod_network.ts";

/** Where no default route tells of an underlay. */
const ordinaryMtu = 1500;

/** Opened with the first request that is right: what is wrong touches nothing. */
class StandaloneNetwork implements PodNetwork {
  #opened: OpenPodNetwork | undefined;

  readonly add: PodNetwork["add"] = async (request, namespace) => {
    const { network } = await this.#open(withAddresses(request.config));
    return network.add(request, namespace);
  };
  readonly check: PodNetwork["check"] = async (request) => (await this.#open(request.config)).network.check(request);
  readonly delete: PodNetwork["delete"] = async (request) => (await this.#open(request.config)).network.delete(request);
  readonly collect: PodNetwork["collect"] = async (request) =>
    (await this.#open(request.config)).network.collect(request);
  readonly status: PodNetwork["status"] = async (config) => void withAddresses(config);

  close(): void {
    this.#opened?.close();
  }

  async #open({ ipam, mtu }: NetworkConfig): Promise<OpenPodNetwork> {
    const underlayMtu = mtu ?? (await defaultRouteMtu());
    this.#opened = await openPodNetwork({
      ...(ipam?.dataDir === undefined ? {} : { stateDir: ipam.dataDir }),
      metrics: noMetrics,
      podCidrs: () => [],
      excluded: [],
      mtu: () => underlayMtu,
      notReady: () => undefined,
    });
    // Host ports of all pods are one table, which is written whole; nobody else is at work meanwhile.
    await this.#opened.network.restore();
    return this.#opened;
  }
}

/** The node's podCIDRs are known to the agent alone. @throws CniError invalidConfig */
function withAddresses(config: NetworkConfig): NetworkConfig {
  if (config.ipam && config.ipam.ranges.length > 0) return config;
  throw new CniError(
    "invalidConfig",
    "invalid network configuration: ipam.ranges: is missing, and needed without an agent",
  );
}

async function defaultRouteMtu(): Promise<number> {
  const routing = await openRouting();
  try {
    const routes = await routing.routes();
    const index = routes.find(({ destination, outInterface }) => !destination && outInterface)?.outInterface;
    return (await routing.links()).find((link) => link.index === index)?.mtu ?? ordinaryMtu;
  } finally {
    routing.close();
  }
}

const network = new StandaloneNetwork();
try {
  const environment = new Map(Object.entries(process.env).flatMap(([name, value = ""]) => [[name, value] as const]));
  const stdin = readFileSync(0).subarray(0, maxStdinBytes);
  const { exitCode, stdout } = await handleCall({ environment, stdin }, network, namespaces);
  for (let rest = Buffer.from(stdout); rest.length > 0;) rest = rest.subarray(writeSync(1, rest));
  process.exitCode = exitCode;
} finally {
  network.close();
}
