/** Parses the command line, runs the one command that it names, and sets the exit code. */
import { createProgram } from "./cmd/program.ts";
import { reportError } from "./cmd/report.ts";

// A reader that goes away (`fairlead --help | head -1`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

try {
  const argv = process.argv.length > 2 ? process.argv.slice(2) : ["--help"];
  const program = await createProgram(argv);
  await program.parseAsync(argv, { from: "user" });
} catch (error) {
  process.exitCode = reportError(error);
}
