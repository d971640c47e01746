/** `fairlead node`: kubelet, service proxy and pod network in one process; and how a machine becomes a node. */
import path from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { dnsPortLabel } from "../controlplane/controllers/node_dns/plan.ts";
import { repeatedWhole, wholeNumber } from "./flag_values.ts";
import { configureMembers } from "./node_members.ts";
import { kubeletFlags, labels, nodeIps, taints, type NodeFlags } from "./kubelet.ts";

interface Flags extends NodeFlags {
  readonly config?: readonly string[];
  readonly kubeconfig?: string;
  readonly bootstrapKubeconfig?: string;
  readonly containerRuntimeEndpoint?: string;
  readonly dnsPort?: number;
  readonly localPathFolder?: string;
  readonly cleanup?: boolean;
  readonly logFormat?: string;
  readonly v: number;
}

const port = wholeNumber(1, 65_535);

export function configure(command: Command): void {
  command
    // Behind `join` a flag is join's, though this command has one of its name.
    .enablePositionalOptions()
    .option(
      "--config <file>",
      "documents of kind KubeletConfiguration, KubeProxyConfiguration and NetworkConfiguration (repeatable)",
      repeatedWhole,
    )
    .option("--kubeconfig <file>", "how to reach the API server, as the node's user (required)", wholePath)
    .option(
      "--bootstrap-kubeconfig <file>",
      "how to ask for a certificate where the kubeconfig has none that is good",
      wholePath,
    )
    .option("--cert-dir <folder>", "where the node's certificates are; default: pki in the root folder", wholePath)
    .option("--root-dir <folder>", "where pods' volumes are", "/var/lib/kubelet")
    .option("--hostname-override <name>", "name of the node, instead of the host's")
    .option("--node-ip <ip>", "address of the node; two, by a comma, of two families", nodeIps)
    .option("--node-labels <labels>", "further labels of a node that registers: key=value, by commas", labels)
    .option("--register-with-taints <taints>", "taints of a node that registers: key=value:effect, by commas", taints)
    .option("--container-runtime-endpoint <url>", "the runtime's socket, before what the configuration says")
    .option("--dns-port <port>", "answer the cluster's names at the node's addresses; default: nobody does", port)
    .option("--local-path-folder <folder>", "remove folders of deleted volumes of the StorageClass local-path there")
    .option("--cleanup", "end this node's pods, remove all that was programmed for it, and end")
    .option("--log-format <format>", "text or json; default: text on a terminal, else json", logFormat)
    .option("--v <level>", "how much is logged", wholeNumber(0, 10), 0)
    .action(({ kubeconfig, ...flags }: Flags) => {
      // Not commander's own: `node join` needs none.
      if (kubeconfig === undefined) command.error("error: required option '--kubeconfig <file>' not specified");
      return run({ ...flags, kubeconfig });
    });
  configureMembers(command);
}

async function run(flags: Flags & { readonly kubeconfig: string }): Promise<void> {
  const [{ readNodeConfiguration }, { openLog }] = await Promise.all([
    import("../config/node.ts"),
    import("../log/log.ts"),
  ]);
  const read = readNodeConfiguration(flags.config ?? []);
  const { containerRuntimeEndpoint } = flags;
  const config =
    containerRuntimeEndpoint === undefined ? read : { ...read, kubelet: { ...read.kubelet, containerRuntimeEndpoint } };
  const format = (flags.logFormat ?? (process.stdout.isTTY ? "text" : "json")) as "text" | "json";
  const programLog = openLog({ format, verbosity: flags.v });
  try {
    if (flags.cleanup) {
      const { cleanUpNode } = await import("./clean_up_node.ts");
      await cleanUpNode({ config, rootDir: flags.rootDir, programLog });
    } else {
      const { runNode } = await import("./run_node.ts");
      const { kubeconfig, bootstrapKubeconfig, dnsPort, localPathFolder, nodeLabels } = flags;
      // By it the control plane knows where cluster DNS is answered.
      const dnsLabel = dnsPort === undefined ? {} : { [dnsPortLabel]: String(dnsPort) };
      await runNode({
        config,
        flags: await kubeletFlags({ ...flags, nodeLabels: { ...dnsLabel, ...nodeLabels } }),
        kubeconfig,
        programLog,
        ...(bootstrapKubeconfig === undefined ? {} : { bootstrapKubeconfig }),
        ...(dnsPort === undefined ? {} : { dnsPort }),
        ...(localPathFolder === undefined ? {} : { localPathFolder }),
      });
    }
  } finally {
    programLog.flush();
  }
  // Everything is closed; a handle that somebody forgot must not keep a stopped agent alive.
  process.exit(0);
}

function wholePath(file: string): string {
  return path.resolve(file);
}

function logFormat(text: string): string {
  if (text === "text" || text === "json") return text;
  throw new InvalidArgumentError("It must be text or json.");
}
