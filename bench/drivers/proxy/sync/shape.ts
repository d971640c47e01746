/**
 * The kernel's part of kube-proxy's nftables mode, where there is no kube-proxy: its ruleset's shape, rendered here and
 * read by `nft -f`, which is its own way. What it does before that, from API objects to text, is not in it.
 */
import { percentile } from "../../cluster/load.ts";
import type { Cleanup, Driver, Measurement } from "../../../driver.ts";
import { missingProgram, runProgram } from "../../../namespace.ts";
import { rivalChange, rivalParts } from "../rival_text.ts";
import type { SyncParameters } from "./drivers.ts";
import { groups, makeNetwork, type Network } from "./network.ts";
import { Probe } from "./probe.ts";

const firstTimeoutMs = 60_000;
const changeTimeoutMs = 60_000;
/** Each takes seconds in a large ruleset: nft reads much of it before it writes. */
const mostChanges = 5;
/** Services of a transaction: of all in one the time grows with their number's square. */
const eachTransaction = 1000;

export const kubeProxyShape: Driver<SyncParameters> = {
  name: "kube-proxy's shape",
  what: "a ruleset of kube-proxy's nftables shape, rendered here, read by nft -f: without kube-proxy's own work",
  missing: () => missingProgram("nft") ?? missingProgram("gcc"),
  async prepare(parameters, cleanup) {
    const network = await makeNetwork(cleanup);
    const parts = [...rivalParts(parameters, eachTransaction, groups[0])];
    return () => measure(network, parts, parameters, cleanup);
  },
};

async function measure(
  network: Network,
  parts: readonly string[],
  parameters: SyncParameters,
  cleanup: Cleanup,
): Promise<Measurement> {
  const startedMs = performance.now();
  for (const part of parts) await read(network, part);
  const loadedMs = performance.now() - startedMs;
  const probe = Probe.start(network, parameters.probeUs, cleanup);
  await probe.answeredBy(0, firstTimeoutMs);
  const changes: number[] = [];
  for (let i = 0; i < Math.min(parameters.changes, mostChanges); i++) {
    const to = 1 - (i % 2);
    const begunMs = Number(process.hrtime.bigint()) / 1e6;
    await read(network, rivalChange(0, groups[1 - to]!, groups[to]!));
    changes.push((await probe.answeredBy(to, changeTimeoutMs)) - begunMs);
  }
  return {
    figures: {
      "first sync": { value: loadedMs, unit: "ms" },
      "change p50": { value: percentile(changes, 0.5), unit: "ms" },
      "change p99": { value: percentile(changes, 0.99), unit: "ms" },
    },
    outcome: `${parameters.services} frontends, all changes seen`,
  };
}

async function read({ nodeNamespace }: Network, text: string): Promise<void> {
  await runProgram(nodeNamespace, ["nft", "-f", "-"], text);
}
