/** `fairlead status`: is the cluster well? Exit code 1: it is not. */
import type { Command } from "commander";
import { instanceFlags, startedContext, type InstanceFlags } from "./instance_flags.ts";

export function configure(command: Command): void {
  instanceFlags(command).action(async (flags: InstanceFlags) => {
    const { readStatus, statusText } = await import("../up/status.ts");
    const status = await readStatus(await startedContext(flags));
    process.stdout.write(flags.json ? `${JSON.stringify(status)}\n` : statusText(status));
    process.exit(status.isHealthy ? 0 : 1);
  });
}
