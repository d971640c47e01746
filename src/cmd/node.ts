/** `fairlead node`: kubelet, service proxy and pod network in one process. */
import path from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { repeatedWhole, wholeNumber } from "./flag_values.ts";
import { kubeletFlags, labels, nodeIps, taints, type NodeFlags } from "./kubelet.ts";

interface Flags extends NodeFlags {
  readonly config?: readonly string[];
  readonly kubeconfig: string;
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
    .option(
      "--config <file>",
      "documents of kind KubeletConfiguration, KubeProxyConfiguration and NetworkConfiguration (repeatable)",
      repeatedWhole,
    )
    .requiredOption("--kubeconfig <file>", "how to reach the API server, as the node's user", (file) =>
      path.resolve(file),
    )
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
    .action((flags: Flags) => run(flags));
}

async function run(flags: Flags): Promise<void> {
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
      const { kubeconfig, dnsPort, localPathFolder } = flags;
      await runNode({
        config,
        flags: await kubeletFlags(flags),
        kubeconfig,
        programLog,
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

function logFormat(text: string): string {
  if (text === "text" || text === "json") return text;
  throw new InvalidArgumentError("It must be text or json.");
}
