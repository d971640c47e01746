/** New connections through what a node's proxy has programmed: real packets, one after another, in one thread. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ensureProgram } from "../../../test/vm/harness/instructions/program.ts";
import { openIptables } from "../../../src/kernel/real/iptables.ts";
import { IptablesChains } from "../../../src/proxy/apply/iptables.ts";
import { Ruleset } from "../../../src/proxy/modes/iptables/ruleset.ts";
import type { Cleanup, Driver, Measurement } from "../../driver.ts";
import { missingProgram, runProgram } from "../../namespace.ts";
import { percentile } from "../cluster/load.ts";
import { clusterIp, servicePort, targetPort } from "./content.ts";
import { rivalParts } from "./rival_text.ts";
import { groups, makeNetwork, type Network } from "./sync/network.ts";
import { clusterOf, openTable, tableOptions, want } from "./table.ts";

export type ConnectParameters = {
  /** Of the largest cluster. */
  readonly services: number;
  /** Connections of a batch. */
  readonly connections: number;
  readonly batches: number;
};

type Program = (network: Network, services: number, cleanup: Cleanup) => Promise<void>;
const targets = groups[0];

const table: Program = async ({ nodeNamespace }, services, cleanup) => {
  const { ruleset, table: ours } = await openTable(nodeNamespace, cleanup);
  const cluster = clusterOf({ services, endpoints: targets.length }, targets);
  cluster.services.forEach((service, i) => want(ruleset, service, cluster.slices[i]!));
  await ours.repair();
};

/** The iptables mode's: a packet meets the rules of KUBE-SERVICES one by one. */
const chains: Program = async ({ nodeNamespace }, services) => {
  const ruleset = new Ruleset({
    ...tableOptions,
    nodePortsEverywhere: true,
    localhostNodePorts: false,
    randomFully: true,
    tcpBeLiberal: false,
  });
  const cluster = clusterOf({ services, endpoints: targets.length }, targets);
  cluster.services.forEach((service, i) => want(ruleset, service, cluster.slices[i]!));
  await new IptablesChains(openIptables("iptables", "nft", nodeNamespace), ruleset).repair();
};

const eachTransaction = 1000;

const shape: Program = async ({ nodeNamespace }, services) => {
  for (const part of rivalParts({ services, endpoints: targets.length }, eachTransaction, targets)) {
    await runProgram(nodeNamespace, ["nft", "-f", "-"], part);
  }
};

/** Hooks of NAT, and a look at conntrack's state, as every proxy has them: no rule that does anything. */
const hooks: Program = async ({ nodeNamespace }) => {
  const chains = (["prerouting", "output", "postrouting"] as const).map((hook) => {
    const priority = hook === "postrouting" ? 100 : -100;
    return `chain ${hook} { type nat hook ${hook} priority ${priority} ; ct state invalid counter ; }`;
  });
  await runProgram(nodeNamespace, ["nft", "-f", "-"], `table ip hooks {\n${chains.join("\n")}\n}\n`);
};

const nothing: Program = () => Promise.resolve();

/** Sizes beside the largest. */
const sizes = [10, 1000, 10_000] as const;
const sized = (name: string, services: number): string => `${name}, ${services.toLocaleString("en-US")} Services`;

export const ourTable = connectDriver("fairlead", "our table, of all Services", table, (all) => all);
export const direct = connectDriver("direct", "routed, no table at all", nothing, () => 0);
export const conntrackAlone = connectDriver("conntrack", "conntrack and empty NAT hooks", hooks, () => 0);
export const ourTables = sizes.map((size) => connectDriver(sized("fairlead", size), "our table", table, () => size));
export const ourChains = sizes.map((size) =>
  connectDriver(sized("iptables mode", size), "the chains of our iptables mode", chains, () => size),
);
export const kubeProxyShape = connectDriver(
  "kube-proxy's shape",
  "a ruleset of kube-proxy's nftables shape, rendered here, of all Services",
  shape,
  (all) => all,
);
export const kubeProxyShapes = sizes.map((size) =>
  connectDriver(sized("kube-proxy's shape", size), "the same", shape, () => size),
);

/** @param sizeOf Services, by how many the largest cluster has */
function connectDriver(
  name: string,
  what: string,
  program: Program,
  sizeOf: (all: number) => number,
): Driver<ConnectParameters> {
  let network: Network | undefined;
  return {
    name,
    what,
    missing: () => missingProgram("gcc") ?? missingProgram("nft") ?? missingProgram("iptables-nft"),
    async once({ services }, cleanup) {
      network = await makeNetwork(cleanup);
      // A port that is used again must not meet what it was used for before.
      await runProgram(network.serverNamespace, ["sysctl", "-qw", "net.ipv4.tcp_max_tw_buckets=0"]);
      await program(network, sizeOf(services), cleanup);
    },
    prepare: async (parameters) => {
      const file = await ensureProgram();
      return () => measure(file, network!, sizeOf(parameters.services) > 0, parameters);
    },
  };
}

async function measure(
  file: string,
  { client, server }: Network,
  byService: boolean,
  { connections, batches }: ConnectParameters,
): Promise<Measurement> {
  const target = byService ? [clusterIp(0), servicePort] : [targets[0], targetPort];
  const args = [client, server, ...target, targetPort, connections, batches, "cpu"].map(String);
  const { stdout } = await promisify(execFile)(file, args, { timeout: 60_000 });
  // What others do on the machine makes a batch longer, and none shorter.
  const nanoseconds = percentile(JSON.parse(stdout) as number[], 0.25);
  return {
    figures: {
      rate: { value: 1e9 / nanoseconds, unit: "1/s" },
      time: { value: nanoseconds / 1000, unit: "µs" },
    },
  };
}
