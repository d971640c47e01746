/** `fairlead network`: the pod network alone, beside somebody else's kubelet and service proxy. */
import os from "node:os";
import type { Command } from "commander";
import type { NetworkConfiguration } from "../config/network.ts";
import { configureFlags, fieldsOf } from "./network_flags.ts";

interface Flags {
  readonly config?: string;
  readonly cleanup?: boolean;
  readonly logFormat?: "text" | "json";
}

export function configure(command: Command): void {
  command
    .option("--config <file>", "NetworkConfiguration; a flag that is given stands above its field")
    .option("--cleanup", "remove overlay, masquerading and the configuration list, and end");
  configureFlags(command);
  command.action(async () => {
    const flags = command.opts<Flags>();
    const config = await configurationOf(flags, command);
    const [{ openLog }, { cleanUp, runNetwork }] = await Promise.all([
      import("../log/log.ts"),
      import("./run_network.ts"),
    ]);
    const format = flags.logFormat ?? (process.stdout.isTTY ? "text" : "json");
    const programLog = openLog({ format, verbosity: 0 });
    try {
      if (flags.cleanup) await cleanUp(config, programLog);
      else await runNetwork({ config, nodeName: nodeNameOf(config), log: programLog.log });
    } finally {
      programLog.flush();
    }
    // Everything is closed; a handle that somebody forgot must not keep a stopped agent alive.
    process.exit(0);
  });
}

/** @throws FairleadError CONFIG_UNREADABLE, CONFIG_INVALID */
async function configurationOf({ config: file }: Flags, command: Command): Promise<NetworkConfiguration> {
  const [{ networkConfiguration }, { checkConfig, readDocument }] = await Promise.all([
    import("../config/network.ts"),
    import("../config/read.ts"),
  ]);
  const type = { apiVersion: "network.config.fairlead.io/v1alpha1", kind: "NetworkConfiguration" };
  const given = fieldsOf(command, file === undefined ? type : readDocument(file));
  return checkConfig(given, file ?? "of the command line", networkConfiguration);
}

/** As nodes name themselves (component-helpers, GetHostname). */
function nodeNameOf({ nodeName }: NetworkConfiguration): string {
  return (nodeName || os.hostname()).trim().toLowerCase();
}
