/** `fairlead cni`: puts the CNI plugin where container runtimes look for it, and takes it away. */
import path from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { renderConflist } from "../../cni/conflist.ts";
import {
  defaultBinDir,
  defaultConfDir,
  defaultConflistName,
  installBinary,
  installStandalone,
  listsBefore,
  removeConflist,
  uninstallPrograms,
  writeConflist,
} from "../../cni/install.ts";
import { parseCidr, cidrText } from "../model/cidr.ts";
import { packageFile } from "./package_file.ts";

interface Places {
  readonly binDir: string;
  readonly confDir: string;
  readonly confName: string;
}

interface InstallFlags extends Places {
  /** False with --no-conf. */
  readonly conf: boolean;
  readonly standalone?: true;
  readonly networkName: string;
  readonly socket?: string;
  readonly mode?: string;
  readonly ipMasq?: true;
  readonly subnet?: readonly string[];
}

export function configure(command: Command): void {
  places(command.command("install").description("put the plugin and its network's configuration in place"))
    .option("--no-conf", "leave the configuration to the node agent, which writes it when the network is ready")
    .option("--standalone", "run the plugin through node at each call, where there is no node agent; needs --subnet")
    .option("--network-name <name>", "name of the network", networkName, "fairlead")
    .option("--socket <path>", "the node agent's socket, where it is not the default", absolute)
    .option("--mode <mode>", "how pods are linked: routed or bridge", linkMode)
    .option("--ip-masq", "masquerade what pods send to the outside")
    .option("--subnet <cidr>", "pods' addresses, one of a family; default: the node's podCIDRs", subnets)
    .action(async (flags: InstallFlags) => install(flags));
  places(command.command("uninstall").description("remove the plugin and its network's configuration")).action(
    async (flags: Places) => uninstall(flags),
  );
}

function places(command: Command): Command {
  return command
    .option("--bin-dir <folder>", "where the runtime looks for plugins", absolute, defaultBinDir)
    .option("--conf-dir <folder>", "where it looks for networks", absolute, defaultConfDir)
    .option(
      "--conf-name <file>",
      "name of the network's file: a runtime takes the first",
      confName,
      defaultConflistName,
    );
}

async function install(flags: InstallFlags): Promise<void> {
  say(`installed ${await installBinary(packageFile("cni/fairlead-cni"), flags.binDir)}`);
  const standalone = flags.standalone ? await installStandalone(process.execPath, entry(), flags.binDir) : undefined;
  if (standalone !== undefined) say(`installed ${standalone}`);
  if (!flags.conf) return;
  const file = path.join(flags.confDir, flags.confName);
  const written = await writeConflist(flags.confDir, conflist(flags, standalone), flags.confName);
  say(written ? `wrote ${file}` : `${file} is there already`);
  const before = await listsBefore(flags.confDir, flags.confName);
  if (before.length > 0) say(`it is not in use: a runtime takes ${before[0]} of that folder before it`);
}

function entry(): string {
  return packageFile("src/cmd/cni_standalone.js");
}

function conflist(flags: InstallFlags, standalone: string | undefined): string {
  const { networkName: name, socket, mode, ipMasq, subnet: given } = flags;
  const ipam = given && { ranges: given.map((one) => [{ subnet: one }]) };
  const plugin = Object.entries({ socket, standalone, mode, ipMasq, ipam });
  return renderConflist({ name, plugin: Object.fromEntries(plugin.filter(([, value]) => value !== undefined)) });
}

async function uninstall({ binDir, confDir, confName: name }: Places): Promise<void> {
  // The configuration first: what it names must not be missing while a runtime reads it.
  if (await removeConflist(confDir, name)) say(`removed ${path.join(confDir, name)}`);
  for (const file of await uninstallPrograms(binDir)) say(`removed ${file}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function absolute(value: string): string {
  return path.resolve(value);
}

function networkName(value: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(value)) return value;
  throw new InvalidArgumentError('It has to be letters, digits, "_", "." and "-".');
}

function confName(value: string): string {
  if (/^[^/]+\.conflist$/.test(value)) return value;
  throw new InvalidArgumentError("It has to be the name of a file that ends in .conflist.");
}

function linkMode(value: string): string {
  if (value === "routed" || value === "bridge") return value;
  throw new InvalidArgumentError("It has to be routed or bridge.");
}

function subnets(value: string, before: readonly string[] = []): readonly string[] {
  const cidr = parseCidr(value);
  if (cidr) return [...before, cidrText(cidr)];
  throw new InvalidArgumentError("It has to be an address and a prefix length: 10.244.0.0/24.");
}
