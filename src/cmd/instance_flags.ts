/** What `up` and the commands behind it share: which cluster, and where its programs are. */
import path from "node:path";
import { Option, type Command } from "commander";
import { FairleadError } from "../errors/catalogue.ts";
import type { Programs, UpContext } from "../up/context.ts";
import { defaultDataDir, instanceOf, type Instance } from "../up/instance.ts";
import type { Underlay } from "../up/nodes/underlay.ts";
import { formatOf, Progress } from "../up/progress.ts";
import { readSettings } from "../up/settings.ts";
import { packageFile } from "./package_file.ts";

export interface InstanceFlags {
  readonly dataDir: string;
  readonly json?: boolean;
}

export function instanceFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--data-dir <folder>", "where the cluster keeps everything")
        .argParser((folder) => path.resolve(folder))
        .default(defaultDataDir),
    )
    .option("--json", "say it in JSON, a value a line");
}

export function programs(): Programs {
  return {
    launcher: path.join(path.dirname(packageFile("")), "fairlead"),
    images: packageFile("images"),
    cni: packageFile("cni"),
  };
}

export function progressOf({ json }: InstanceFlags): Progress {
  return new Progress(formatOf(json, process.stdout.isTTY));
}

/** Of a cluster that was started. @throws FairleadError DATA_DIR */
export async function startedContext(flags: InstanceFlags): Promise<UpContext> {
  const instance = instanceOf(flags.dataDir);
  const settings = await readSettings(instance);
  if (!settings) throw noCluster(instance);
  return { instance, settings, progress: progressOf(flags), programs: programs(), openUnderlay };
}

/** Loaded when it is needed: most clusters have one node. */
export async function openUnderlay(): Promise<Underlay> {
  const { openUnderlay: open } = await import("./underlay.ts");
  return open();
}

export function noCluster({ dataDir }: Instance): FairleadError {
  const reason = "'fairlead up' has made no cluster there, or it was purged";
  return new FairleadError("DATA_DIR", { subject: dataDir, reason });
}
