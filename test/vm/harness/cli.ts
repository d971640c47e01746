/**
 * The harness on the command line:
 *
 *     cli.js exec [options] -- COMMAND…      one word is a shell script, several are a program and its arguments
 *     cli.js vitest [options] [PATTERN…]     runs the test files of the vitest project "vm" that match
 *     cli.js instructions [SCENARIO…]        counts the instructions of a connection; a line of JSON each
 *
 * Options: --kernel 6.12|6.1, --timeout SECONDS, --out DIRECTORY (receives what was left in /vmout).
 * The exit code is the command's; 124 when the time was over, 125 when the machine failed, 130 when interrupted.
 */
import { parseArgs } from "node:util";
import { messageOf } from "../../../src/errors/message.ts";
import { VmError } from "./error.ts";
import { countInstructions } from "./instructions/count.ts";
import { scenarios, type Scenario } from "./instructions/scenarios.ts";
import { parseKernelSeries } from "./machine.ts";
import { quote } from "./quote.ts";
import { runInVm, type RunSpec } from "./run.ts";
import { runVitestInVm } from "./vitest.ts";

type RunOptions = Omit<RunSpec, "script">;

const commands: Readonly<Record<string, (words: readonly string[], options: RunOptions) => Promise<number>>> = {
  exec: async (words, options) => {
    if (words.length === 0) throw new TypeError("exec needs a command: cli.js exec -- COMMAND");
    const script = words.length === 1 ? (words[0] as string) : words.map(quote).join(" ");
    return (await runInVm({ ...options, script })).exitCode;
  },
  vitest: runVitestInVm,
  instructions: async (names, { machine, timeoutMs, signal }) => {
    for (const scenario of scenariosNamed(names)) {
      const count = await countInstructions({ ...scenario, kernel: machine?.kernel, timeoutMs, signal });
      process.stdout.write(`${JSON.stringify(count)}\n`);
    }
    return 0;
  },
};

async function main(argv: readonly string[]): Promise<number> {
  const [name = "", ...rest] = argv;
  const command = commands[name];
  if (command === undefined) throw new TypeError(`"${name}" is none of ${Object.keys(commands).join(", ")}`);
  const { values, positionals } = parseArgs({
    args: rest,
    allowPositionals: true,
    options: { kernel: { type: "string" }, timeout: { type: "string" }, out: { type: "string" } },
  });
  return command(positionals, {
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interruption(),
    ...(values.kernel === undefined ? {} : { machine: { kernel: parseKernelSeries(values.kernel) } }),
    ...(values.timeout === undefined ? {} : { timeoutMs: parseSeconds(values.timeout) * 1000 }),
    ...(values.out === undefined ? {} : { outDirectory: values.out }),
  });
}

function scenariosNamed(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return scenarios;
  return names.map((name) => {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (found !== undefined) return found;
    throw new TypeError(`scenario "${name}" is none of ${scenarios.map((one) => `"${one.name}"`).join(", ")}`);
  });
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0)) throw new TypeError(`--timeout ${text}: a number of seconds above 0 is wanted`);
  return seconds;
}

/** Aborts at the first signal that asks this process to end. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof VmError)) return 125;
  return error.code === "TIMEOUT" ? 124 : error.code === "ABORTED" ? 130 : 125;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`fairlead-vm: ${messageOf(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
