/** The command line's grammar, from the table of commands. */
import { Command } from "commander";
import { FairleadError } from "../errors/catalogue.ts";
import { packageVersion } from "./package_version.ts";
import { commandTable, type AbsentCommand } from "./table.ts";

/**
 * Makes the program. Only commands that `argv` names are loaded: the others are known by name and summary.
 *
 * @param argv arguments after the program's name
 */
export async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command("fairlead")
    .description("Kubernetes node agent, service proxy and thin control plane")
    .version(packageVersion(), "-V, --version", "show Fairlead's version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .showHelpAfterError("Run 'fairlead --help' for usage.")
    .exitOverride();
  for (const entry of commandTable) {
    const command = program
      .command(entry.name)
      .description("absent" in entry ? `${entry.summary} (not there yet)` : entry.summary)
      .showHelpAfterError(`Run 'fairlead ${entry.name} --help' for usage.`);
    if ("absent" in entry) configureAbsent(command, entry);
    else if (argv.includes(entry.name)) (await entry.load()).configure(command);
  }
  return program;
}

/** Takes any arguments: a reader learns that the command is not there before anything about its flags. */
function configureAbsent(command: Command, { name, absent }: AbsentCommand): void {
  command
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new FairleadError("NOT_AVAILABLE", { subject: `'fairlead ${name}'`, reason: absent });
    });
}
