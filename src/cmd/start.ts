/** Parses a command line, runs the one command that it names, and sets the exit code. */
import { createProgram } from "./program.ts";
import { reportError } from "./report.ts";

/** @param argv behind the program's own name */
export async function start(argv: readonly string[]): Promise<void> {
  // A reader that goes away (`fairlead --help | head -1`) is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  try {
    const given = argv.length > 0 ? argv : ["--help"];
    const program = await createProgram(given);
    await program.parseAsync(given, { from: "user" });
  } catch (error) {
    process.exitCode = reportError(error);
  }
}
