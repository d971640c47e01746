/**
 * The kernel's part of kube-proxy, where there is no kube-proxy: what it hands to nft or to iptables-restore, rendered
 * here. What it does before that, from API objects to text, is not in it.
 */
import { percentile } from "../../cluster/load.ts";
import type { Driver, Cleanup, Measurement } from "../../../driver.ts";
import { missingProgram, runProgram } from "../../../namespace.ts";
import { IptablesTexts } from "../iptables_text.ts";
import { rivalChange, rivalParts } from "../rival_text.ts";
import type { SyncParameters } from "./drivers.ts";
import { groups, makeNetwork, type Network } from "./network.ts";
import { Probe } from "./probe.ts";

const firstTimeoutMs = 60_000;
const changeTimeoutMs = 60_000;
/** Each takes seconds in a large ruleset: nft reads much of it before it writes. */
const mostChanges = 5;
/** Services of a transaction of nft: of all in one the time grows with their number's square. */
const eachTransaction = 1000;
/** Of one transaction of iptables-nft-restore: decision 090. 10,000 did not end within 300 s. */
const mostServicesOfNft = 4000;

interface Texts {
  readonly program: readonly [string, ...string[]];
  readonly all: readonly string[];
  /** The first Service's endpoints become those of the group. */
  readonly change: (to: 0 | 1) => string;
}

export const kubeProxyShape: Driver<SyncParameters> = {
  name: "kube-proxy's shape",
  what: "what kube-proxy of that mode would write, rendered here, read by nft or iptables-restore: without its own work",
  missing: ({ mode, variant, services }) => {
    if (mode === "ipvs") return "it writes no text";
    if (mode === "iptables" && variant === "nft" && services > mostServicesOfNft) return "it would take many minutes";
    return missingProgram(mode === "nftables" ? "nft" : `iptables-${variant}`) ?? missingProgram("gcc");
  },
  async prepare(parameters, cleanup) {
    const network = await makeNetwork(cleanup);
    const texts = parameters.mode === "nftables" ? nftTexts(parameters) : iptablesTexts(parameters);
    return () => measure(network, texts, parameters, cleanup);
  },
};

function nftTexts(parameters: SyncParameters): Texts {
  return {
    program: ["nft", "-f", "-"],
    all: [...rivalParts(parameters, eachTransaction, groups[0])],
    change: (to) => rivalChange(0, groups[1 - to]!, groups[to]),
  };
}

function iptablesTexts(parameters: SyncParameters): Texts {
  const texts = new IptablesTexts(parameters, groups[0]);
  return {
    program: [`iptables-${parameters.variant}-restore`, "-w", "5", "--noflush"],
    all: [texts.all()],
    change: (to) => texts.change(groups[to]),
  };
}

async function measure(
  network: Network,
  { program, all, change }: Texts,
  parameters: SyncParameters,
  cleanup: Cleanup,
): Promise<Measurement> {
  const read = (text: string): Promise<string> => runProgram(network.nodeNamespace, program, text);
  const startedMs = performance.now();
  for (const part of all) await read(part);
  const loadedMs = performance.now() - startedMs;
  const probe = Probe.start(network, parameters.probeUs, cleanup);
  await probe.answeredBy(0, firstTimeoutMs);
  const changes: number[] = [];
  for (let i = 0; i < Math.min(parameters.changes, mostChanges); i++) {
    const to = i % 2 === 0 ? 1 : 0;
    const text = change(to);
    const begunMs = Number(process.hrtime.bigint()) / 1e6;
    await read(text);
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
