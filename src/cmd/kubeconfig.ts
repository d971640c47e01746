/** `fairlead kubeconfig`: the administrator's, as the server keeps it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { adminKubeconfigFile } from "../controlplane/server/data_dir.ts";
import { FairleadError } from "../errors/catalogue.ts";
import { defaultDataDir } from "./server.ts";

export function configure(command: Command): void {
  command
    .option("--data-dir <folder>", "the server's", defaultDataDir)
    .action(({ dataDir }: { readonly dataDir: string }) => {
      process.stdout.write(read(adminKubeconfigFile(path.resolve(dataDir))));
    });
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new FairleadError("KUBECONFIG", { subject: file, cause });
  }
}
