/** Where every error of the command line ends: what is printed, and the exit code. */
import { CommanderError } from "commander";
import { FairleadError } from "../errors/catalogue.ts";

/** 0 success, 1 the command failed, 2 the command line is wrong. */
export type ExitCode = 0 | 1 | 2;

/** Prints the error on standard error and returns the exit code. */
export function reportError(error: unknown): ExitCode {
  // Help and the version end the parse too; commander has printed them, and what is wrong with a command line.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  process.stderr.write(`${describeError(error)}\n`);
  return 1;
}

/** An error of the catalogue says all by its message; of any other, where it comes from is what helps. */
export function describeError(error: unknown): string {
  if (error instanceof FairleadError) return `error: ${error.message} [${error.code}]`;
  return `error: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
