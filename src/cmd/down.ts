/** `fairlead down`: takes away what `fairlead up` has made. */
import type { Command } from "commander";
import { instanceFlags, startedContext, type InstanceFlags } from "./instance_flags.ts";

interface Flags extends InstanceFlags {
  readonly purge?: boolean;
}

/** What an `up` that runs has to take the cluster down, in ms; this command goes on where it has ended. */
const upGraceMs = 180_000;

export function configure(command: Command): void {
  instanceFlags(command)
    .option("--purge", "remove data too: objects, images, volumes, certificates")
    .action(async (flags: Flags) => {
      const [{ endProcess }, { takeDownAll }] = await Promise.all([
        import("../up/processes.ts"),
        import("../up/nodes/take_down_all.ts"),
      ]);
      const context = await startedContext(flags);
      await endProcess(context.instance.supervisorPid, upGraceMs);
      await takeDownAll(context, { purge: flags.purge ?? false });
      process.exit(0);
    });
}
