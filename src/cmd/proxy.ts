/** `fairlead proxy`: in the place of kube-proxy, with its configuration and its flags. */
import os from "node:os";
import { InvalidArgumentError, type Command } from "commander";
import type { KubeProxyConfiguration } from "../config/kube_proxy.ts";
import { FairleadError } from "../errors/catalogue.ts";
import { truth, wholeNumber } from "./flag_values.ts";
import { configOf, configureFlags, givenFlags, switchedOff } from "./proxy_flags.ts";

interface Flags {
  readonly config?: string;
  readonly hostnameOverride?: string;
  readonly master?: string;
  readonly cleanup?: boolean;
  readonly takeover?: boolean;
  readonly writeConfigTo?: string;
  readonly v?: number;
}

export function configure(command: Command): void {
  command
    .option("--config <file>", "KubeProxyConfiguration; of the other flags those marked (*) still count")
    .option("--hostname-override <name>", "name of this machine's Node (*)")
    .option("--master <url>", "where the API server is, in the place of the kubeconfig's (*)")
    .option("--cleanup [true|false]", "remove what Fairlead's proxy has programmed, and end (*)", truth)
    .option("--takeover [true|false]", "remove what a kube-proxy has programmed here, once ours serves (*)", truth)
    .option("--write-config-to <file>", "write the configuration with its defaults there, and end (*)")
    .option("-v, --v <level>", "how much is logged (*)", goShort(wholeNumber(0, 10)));
  configureFlags(command);
  command.action(async () => {
    const flags = command.opts<Flags>();
    const { config, warnings } = await configurationOf(flags, command);
    if (flags.writeConfigTo !== undefined) return writeConfig(flags.writeConfigTo, config);
    const [{ openLog }, { cleanUp, runProxy }] = await Promise.all([import("../log/log.ts"), import("./run_proxy.ts")]);
    const { format, verbosity } = config.logging;
    const programLog = openLog({ format, verbosity: flags.v ?? verbosity });
    for (const warning of warnings) programLog.log.warn(warning);
    try {
      if (flags.cleanup) await cleanUp(programLog);
      else {
        await runProxy({
          ...named(config),
          programLog,
          takeover: flags.takeover ?? false,
          mustSetKernel: true,
          ...(flags.config === undefined
            ? {}
            : { configFile: flags.config, reread: async () => named((await configurationOf(flags, command)).config) }),
          ...(flags.master === undefined ? {} : { master: flags.master }),
        });
      }
    } finally {
      programLog.flush();
    }
    // Everything is closed; a handle that somebody forgot must not keep a stopped proxy alive.
    process.exit(0);
  });
}

/** Go takes "-v=2", which commander reads as the value "=2". */
function goShort<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => parse(text.replace(/^=/, ""));
}

interface Read {
  readonly config: KubeProxyConfiguration;
  readonly warnings: readonly string[];
}

/** A file takes the place of flags, as upstream's does. @throws FairleadError CONFIG_UNREADABLE, CONFIG_INVALID */
async function configurationOf(flags: Flags, command: Command): Promise<Read> {
  const [{ foreignFields, kubeProxyConfiguration }, { parseConfig, readConfig }] = await Promise.all([
    import("../config/kube_proxy.ts"),
    import("../config/read.ts"),
  ]);
  const read =
    flags.config === undefined
      ? {
          ...parseConfig(JSON.stringify(configOf(command)), "of the command line", kubeProxyConfiguration),
          ...switchedOff(command),
        }
      : readConfig(flags.config, kubeProxyConfiguration);
  const ignored = flags.config === undefined ? [] : givenFlags(command);
  const foreign = foreignFields(read);
  const { hostnameOverride = "" } = flags;
  if (flags.hostnameOverride !== undefined && hostnameOverride.trim() === "") {
    command.error("error: option '--hostname-override <name>' must not be empty");
  }
  return {
    config: hostnameOverride === "" ? read : { ...read, hostnameOverride },
    warnings: [
      ...ignored.map((flag) => `${flag} is ignored, because --config is given`),
      ...foreign.map((field) => `${field} has no effect on this platform`),
    ],
  };
}

function named(config: KubeProxyConfiguration): { config: KubeProxyConfiguration; nodeName: string } {
  return { config, nodeName: nodeNameOf(config) };
}

/** As nodes name themselves (component-helpers, GetHostname). */
function nodeNameOf({ hostnameOverride }: KubeProxyConfiguration): string {
  const name = (hostnameOverride || os.hostname()).trim().toLowerCase();
  if (name === "") throw new InvalidArgumentError("this machine has no name: give --hostname-override");
  return name;
}

async function writeConfig(file: string, config: KubeProxyConfiguration): Promise<void> {
  const [{ writeFile }, { stringify }, { configz }] = await Promise.all([
    import("node:fs/promises"),
    import("yaml"),
    import("../proxy/metrics/configz.ts"),
  ]);
  try {
    await writeFile(file, stringify(Object.values(configz(config))[0]));
  } catch (cause) {
    throw new FairleadError("CONFIG_UNREADABLE", { subject: file, cause });
  }
}
