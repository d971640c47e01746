/** A scratch copy of the project's configuration around the files of test/fixtures/violations. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");
const configuration = [
  ".clang-format",
  ".dependency-cruiser.cjs",
  ".prettierignore",
  ".prettierrc.json",
  "eslint.config.js",
  "package.json",
  "scripts",
  "tsconfig.json",
];

export interface ToolResult {
  readonly status: number | null;
  readonly output: string;
}

export class ScratchProject {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), "fairlead-tidy-"));

  readonly #sources: string;

  /** @param violations folder of test/fixtures/violations whose files are the project's sources */
  constructor(violations: string) {
    this.#sources = path.join(root, "test/fixtures/violations", violations);
    for (const name of configuration) cpSync(path.join(root, name), path.join(this.folder, name), { recursive: true });
    symlinkSync(path.join(root, "node_modules"), path.join(this.folder, "node_modules"));
    cpSync(this.#sources, this.folder, { recursive: true });
    // scripts/lint asks git which files there are.
    this.run("git", ["init", "--quiet"]);
  }

  run(program: string, args: readonly string[]): ToolResult {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: this.folder,
      encoding: "utf8",
      timeout: 60_000,
      maxBuffer: 1 << 26,
    });
    return { status, output: status === 0 || stdout !== "" ? stdout : stderr };
  }

  /** Runs one of the project's development tools, for its JSON. */
  runForJson(tool: string, args: readonly string[]): unknown {
    const { output } = this.run(path.join("node_modules/.bin", tool), args);
    return JSON.parse(output);
  }

  /** The rules that each source file says it violates, by its path. */
  announced(): Record<string, string[]> {
    const files = readdirSync(this.#sources, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    return Object.fromEntries(
      files.map((file) => [file, rulesIn(readFileSync(path.join(this.#sources, file), "utf8"))]),
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

function rulesIn(text: string): string[] {
  const rules = /^\/\/ violates: (.*)$/m.exec(text)?.[1];
  if (rules === undefined) throw new Error(`a fixture does not say what it violates: ${text}`);
  return rules.startsWith("nothing") ? [] : rules.split(", ").sort();
}
