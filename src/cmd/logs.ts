/** `fairlead logs`: what the parts of a cluster have said. */
import { createReadStream, existsSync, statSync, watchFile } from "node:fs";
import path from "node:path";
import { Argument, type Command } from "commander";
import { FairleadError } from "../errors/catalogue.ts";
import { instanceOf, partFiles, partNames, type Instance, type PartName } from "../up/instance.ts";
import { wholeNumber } from "./flag_values.ts";
import { instanceFlags, noCluster, startedContext, type InstanceFlags } from "./instance_flags.ts";

interface Flags extends InstanceFlags {
  readonly tail: number;
  readonly follow?: boolean;
  readonly node?: string;
}

/** A line's usual length, to find the last ones without reading all. */
const bytesPerLine = 400;
const followMs = 250;

export function configure(command: Command): void {
  instanceFlags(command)
    .addArgument(new Argument("[part]", "whose; default: all, each by itself").choices(partNames))
    .option("--tail <lines>", "how many of the last lines", wholeNumber(0, 1_000_000), 50)
    .option("--node <name>", "of a further node of 'fairlead up --nodes'")
    .option("-f, --follow", "go on with what comes")
    .action(async (part: PartName | undefined, flags: Flags) => {
      const instance = await instanceOfNode(flags);
      if (!existsSync(instance.logDir)) throw noCluster(instance);
      if (flags.follow && part === undefined) {
        throw new FairleadError("DATA_DIR", {
          subject: instance.dataDir,
          reason: `--follow needs one part: ${partNames.join(", ")}`,
        });
      }
      const { textLine } = await import("../log/log.ts");
      const show = (line: string): void =>
        void process.stdout.write(flags.json ? `${line}\n` : readable(line, textLine));
      for (const each of part === undefined ? partNames : [part]) {
        const { log } = partFiles(instance, each);
        if (!existsSync(log)) continue;
        if (part === undefined) process.stdout.write(`==> ${path.basename(log)} <==\n`);
        const { tailOf } = await import("../up/parts.ts");
        const text = await tailOf(log, flags.tail * bytesPerLine);
        text.trimEnd().split("\n").slice(-flags.tail).filter(Boolean).forEach(show);
        if (flags.follow) return follow(log, show);
      }
      process.exit(0);
    });
}

async function instanceOfNode({ node, ...flags }: Flags): Promise<Instance> {
  if (node === undefined) return instanceOf(flags.dataDir);
  const { nodeNamed } = await import("../up/nodes/further.ts");
  return (await nodeNamed(await startedContext(flags), node)).context.instance;
}

/** Until Ctrl-C. A log that was emptied begins anew. */
function follow(file: string, show: (line: string) => void): void {
  let from = statSync(file).size;
  let rest = "";
  watchFile(file, { interval: followMs }, ({ size }) => {
    if (size < from) from = 0;
    if (size === from) return;
    const stream = createReadStream(file, { encoding: "utf8", start: from, end: size - 1 });
    from = size;
    stream.on("data", (part) => {
      const lines = (rest + String(part)).split("\n");
      rest = lines.pop() ?? "";
      lines.filter(Boolean).forEach(show);
    });
  });
}

function readable(line: string, textLine: (line: string) => string): string {
  try {
    return textLine(line);
  } catch {
    return `${line}\n`;
  }
}
