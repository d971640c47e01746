/** The parts of `npm test`, in the order in which they run: what is quick to fail comes first. */

export interface Part {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** How many tests it is: one, or what vitest reports. */
  readonly counts: "check" | "vitest";
  /** Past this it is killed, and has failed. */
  readonly timeoutMs: number;
}

export const vitestProgram = "node_modules/.bin/vitest";

const minute = 60_000;

/** Full numbers (FAIRLEAD_LONG=1, `npm run test:long`) take longer. */
const patience = process.env["FAIRLEAD_LONG"] === "1" ? 6 : 1;

export const parts: readonly Part[] = [
  // scripts/test has built before there was anything to run this; here it is counted.
  check("build", ["sh", "-c", `exit ${process.env["FAIRLEAD_BUILD_STATUS"] ?? "0"}`], 1),
  check("lint-code", ["scripts/lint", "code"], 5),
  check("lint-imports", ["scripts/lint", "imports"], 5),
  check("lint-format", ["scripts/lint", "format"], 5),
  check("lint-native", ["scripts/lint", "native"], 5),
  check("lint-shell", ["scripts/lint", "shell"], 5),
  vitest("unit", 10),
  vitest("kernel", 15),
  {
    // The suites that drive the add-on, on a build of it in which a wrong access ends the process.
    name: "asan",
    argv: ["scripts/build-asan", ...vitestRun("kernel"), "test/contract/", "test/kernel/native"],
    counts: "vitest",
    timeoutMs: 20 * minute * patience,
  },
  check("fuzz", ["scripts/fuzz", String(3_000_000 * patience)], 10),
  {
    name: "vm",
    argv: ["node", "dist/test/vm/harness/cli.js", "vitest"],
    counts: "vitest",
    timeoutMs: 15 * minute * patience,
  },
  vitest("e2e", 25),
];

function check(name: string, argv: Part["argv"], minutes: number): Part {
  return { name, argv, counts: "check", timeoutMs: minutes * minute * patience };
}

function vitest(project: string, minutes: number): Part {
  return { name: project, argv: vitestRun(project), counts: "vitest", timeoutMs: minutes * minute * patience };
}

function vitestRun(project: string): [string, ...string[]] {
  return [vitestProgram, "run", "--project", project];
}
