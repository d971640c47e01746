/** `fairlead install`: units of systemd, by which a machine has its part of a cluster from its start on. */
import os from "node:os";
import path from "node:path";
import { Argument, type Command } from "commander";
import { FairleadError } from "../errors/catalogue.ts";
import { roles, type Role } from "../up/systemd/render.ts";
import { programs } from "./instance_flags.ts";

interface Flags {
  readonly uninstall?: boolean;
  readonly now?: boolean;
  readonly root: string;
}

export function configure(command: Command): void {
  command
    .addArgument(
      new Argument("[what]", "up: a whole cluster; server: a control plane; node: a node that joins")
        .choices(roles)
        .default("up"),
    )
    .argument("[args...]", "behind --: arguments of that command, as 192.0.2.1:6443 of node")
    .option("--uninstall", "stop it, and remove its unit")
    .option("--now", "start it, too")
    .option("--root <folder>", "the system's, where it is not this one", (folder) => path.resolve(folder), "/")
    .action(async (what: Role, args: readonly string[], flags: Flags) => {
      const say = flags.uninstall ? await uninstalled(what, flags) : await installed(what, args, flags);
      process.stdout.write(`${say}\n`);
    });
}

async function installed(what: Role, args: readonly string[], { root, now }: Flags): Promise<string> {
  const [{ installUnit, startUnit }, { unitName }] = await systemd();
  if (what === "node" && args.length === 0) {
    throw new FairleadError("SYSTEMD_UNIT", {
      subject: unitName(what),
      reason:
        "it needs the API server's address, and a token the first time: fairlead install node -- HOST:PORT --token …",
    });
  }
  const searchPath = `${path.dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  const options = { launcher: programs().launcher, searchPath, home: os.homedir(), args };
  const { file, isTold } = await installUnit({ root }, what, options);
  if (isTold && now) await startUnit(what);
  const next = isTold
    ? now
      ? "and started"
      : `start it by 'systemctl start ${unitName(what)}'`
    : "no systemd runs here that could be told: it starts with the next boot of one";
  return `${file}: written and enabled; ${next}`;
}

async function uninstalled(what: Role, { root }: Flags): Promise<string> {
  const [{ uninstallUnit }, { unitName }] = await systemd();
  const found = await uninstallUnit({ root }, what);
  if (!found) return `${unitName(what)}: there is none`;
  return `${found.file}: ${found.isTold ? "stopped, disabled and removed" : "disabled and removed"}; 'fairlead down --purge' removes the rest`;
}

function systemd() {
  return Promise.all([import("../up/systemd/install.ts"), import("../up/systemd/render.ts")]);
}
