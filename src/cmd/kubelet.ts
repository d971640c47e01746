/** `fairlead kubelet`: pods of one node on containerd. Flags carry upstream's names. */
import os from "node:os";
import { InvalidArgumentError, type Command } from "commander";
import { kubeletConfiguration, type KubeletConfiguration } from "../config/kubelet.ts";
import { withDropIns } from "../config/kubelet_drop_ins.ts";
import { checkConfig, readDocument } from "../config/read.ts";
import type { KubeletFlags } from "../kubelet/settings.ts";
import { ipAddress, repeated, wholeNumber } from "./flag_values.ts";
import { addConfigFlags, withConfigFlags } from "./kubelet_config_flags.ts";

/** What says which node this is. */
export interface NodeFlags {
  readonly rootDir: string;
  readonly certDir?: string;
  readonly hostnameOverride?: string;
  readonly nodeIp?: readonly string[];
  readonly registerSchedulable?: boolean;
  readonly nodeLabels?: Readonly<Record<string, string>>;
  readonly registerWithTaints?: KubeletFlags["taints"];
}

interface Flags extends NodeFlags {
  readonly config?: string;
  readonly configDir?: string;
  readonly kubeconfig?: string;
  readonly bootstrapKubeconfig?: string;
  readonly containerRuntimeEndpoint?: string;
  readonly v: number;
}

export function configure(command: Command): void {
  command
    .option("--config <file>", "KubeletConfiguration v1beta1; without, its defaults")
    .option("--config-dir <folder>", "files *.conf that change the configuration, in the order of their names")
    .option(
      "--kubeconfig <file>",
      "how to reach the API server, as the node's user; without, static pods alone are run",
    )
    .option("--bootstrap-kubeconfig <file>", "how to ask for a certificate where the kubeconfig has none that is good")
    .option("--root-dir <folder>", "where pods' volumes are", "/var/lib/kubelet")
    .option("--cert-dir <folder>", "where certificates are that the kubelet makes; default: pki in the root folder")
    .option("--hostname-override <name>", "name of the node, instead of the host's")
    .option("--node-ip <ip>", "address of the node; two, by a comma, of two families", nodeIps)
    .option("--node-labels <labels>", "further labels of a node that registers: key=value, by commas", labels)
    .option("--register-schedulable [is]", "whether a node that registers takes pods", flag, true)
    .option("--register-with-taints <taints>", "taints of a node that registers: key=value:effect, by commas", taints)
    .option("--v <level>", "how much is logged", wholeNumber(0, 10), 0)
    .action((flags: Flags) => run(flags));
  addConfigFlags(command);
}

async function run(flags: Flags): Promise<void> {
  const config = configOf(flags);
  const [{ openLog }, { runKubelet }] = await Promise.all([import("../log/log.ts"), import("./run_kubelet.ts")]);
  const logging = openLog({ format: process.stdout.isTTY ? "text" : "json", verbosity: flags.v });
  try {
    await runKubelet({
      config,
      flags: await kubeletFlags(flags),
      ...(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig }),
      ...(flags.bootstrapKubeconfig === undefined ? {} : { bootstrapKubeconfig: flags.bootstrapKubeconfig }),
      log: logging.log,
    });
  } finally {
    logging.flush();
  }
  process.exit(0);
}

/** Upstream's order: defaults, the file, its drop-ins, flags. */
function configOf({ config: file, configDir, ...flags }: Flags): KubeletConfiguration {
  const head = { apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration" };
  const whole = file === undefined ? head : readDocument(file);
  const changed = configDir === undefined ? whole : withDropIns(whole, configDir);
  return checkConfig(withConfigFlags(changed, flags), file ?? configDir ?? "of the flags", kubeletConfiguration);
}

export async function kubeletFlags(flags: NodeFlags): Promise<KubeletFlags> {
  const { nodeAddresses } = await import("../kubelet/node/addresses.ts");
  const hostname = (flags.hostnameOverride ?? os.hostname()).trim().toLowerCase();
  return {
    rootDir: flags.rootDir,
    certDir: flags.certDir ?? `${flags.rootDir.replace(/\/$/, "")}/pki`,
    nodeName: hostname,
    hostname,
    addresses: await nodeAddresses(flags.nodeIp),
    ...(flags.nodeIp ? { nodeIps: flags.nodeIp } : {}),
    isSchedulable: flags.registerSchedulable ?? true,
    nodeLabels: flags.nodeLabels ?? {},
    taints: flags.registerWithTaints ?? [],
  };
}

export function nodeIps(text: string): readonly string[] {
  const ips = text.split(",").map((ip) => ipAddress(ip.trim()));
  const families = ips.map((ip) => ip.includes(":"));
  if (ips.length > 2 || new Set(families).size < ips.length) {
    throw new InvalidArgumentError("It takes one address, or two of two families.");
  }
  return ips;
}

function flag(text: string): boolean {
  if (text !== "true" && text !== "false") throw new InvalidArgumentError("It is true or false.");
  return text === "true";
}

export function labels(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const pairs = repeated(text, undefined).map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1) throw new InvalidArgumentError(`"${pair}" is not key=value.`);
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return { ...before, ...Object.fromEntries(pairs) };
}

export function taints(text: string, before: KubeletFlags["taints"] = []): KubeletFlags["taints"] {
  const own = repeated(text, undefined).map((taint) => {
    const match = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(taint);
    if (!match) throw new InvalidArgumentError(`"${taint}" is not key=value:effect.`);
    const [, key = "", value, effect = ""] = match;
    return { key, effect, ...(value === undefined ? {} : { value }) };
  });
  return [...before, ...own];
}
