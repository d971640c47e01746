/** ./fairlead: from anywhere, by any name, with the program's own exit code and nothing else on standard output. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const launcher = path.join(root, "fairlead");
const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { version: string };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "fairlead-e2e-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function fairlead(args: readonly string[], { program = launcher, cwd = root } = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8", timeout: 120_000 });
  return { status, stdout, stderr };
}

describe("the command line", () => {
  test("--help names every command", () => {
    const { status, stdout } = fairlead(["--help"]);
    expect(status).toBe(0);
    const names = [
      "up",
      "server",
      "node",
      "token",
      "install",
      "kubelet",
      "proxy",
      "cni",
      "network",
      "dns",
      "trace",
      "flows",
      "capture",
      "bench",
      "version",
    ];
    for (const name of names) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
  });

  test("no argument shows the help", () => {
    expect(fairlead([])).toEqual(fairlead(["--help"]));
  });

  test("--version prints the version alone", () => {
    expect(fairlead(["--version"])).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("version --json says what runs here, and that the add-on loads", () => {
    const { status, stdout } = fairlead(["version", "--json"]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      version,
      node: process.versions.node,
      kernel: os.release(),
      arch: process.arch,
      addon: { loaded: true },
    });
  });

  test.each([
    { args: ["bogus"], names: "unknown command 'bogus'" },
    { args: ["versoin"], names: "Did you mean version?" },
    { args: ["--bogus"], names: "unknown option '--bogus'" },
    { args: ["version", "--bogus"], names: "unknown option '--bogus'" },
    { args: ["version", "bogus"], names: "too many arguments" },
  ])("$args is refused with exit code 2 and a word that helps", ({ args, names }) => {
    const { status, stdout, stderr } = fairlead(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(names);
    expect(stderr).toMatch(/^Run 'fairlead .*--help' for usage\.$/m);
  });

  test("a command that is not there yet says so, whatever its flags", () => {
    const { status, stdout, stderr } = fairlead(["capture", "--config", "/nowhere", "extra"]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^error: cannot run 'fairlead capture': .*not there yet.*\[NOT_AVAILABLE\]$/m);
  });
});

describe("the launcher", () => {
  test("runs from another folder", () => {
    expect(fairlead(["--version"], { cwd: folder })).toMatchObject({ status: 0, stdout: `${version}\n` });
  });

  test("runs through absolute and relative symbolic links", () => {
    const bin = path.join(folder, "a folder");
    mkdirSync(bin);
    symlinkSync(launcher, path.join(bin, "absolute"));
    symlinkSync("absolute", path.join(bin, "relative"));
    const program = path.join(bin, "relative");
    expect(fairlead(["--version"], { program, cwd: "/" })).toMatchObject({ status: 0, stdout: `${version}\n` });
    expect(fairlead(["bogus"], { program, cwd: "/" }).status).toBe(2);
  });

  test("runs a package that has no sources, without set-up", () => {
    const program = path.join(folder, "fairlead");
    cpSync(launcher, program);
    mkdirSync(path.join(folder, "dist/src"), { recursive: true });
    writeFileSync(path.join(folder, "dist/src/main.js"), "process.stdout.write(process.argv.slice(2).join(' '));\n");
    expect(fairlead(["one", "two words"], { program, cwd: "/" })).toEqual({
      status: 0,
      stdout: "one two words",
      stderr: "",
    });
  });

  test("FAIRLEAD_SKIP_SETUP=1 leaves set-up and build alone", () => {
    const program = path.join(folder, "fairlead");
    cpSync(launcher, program);
    mkdirSync(path.join(folder, "src"));
    mkdirSync(path.join(folder, "dist/src"), { recursive: true });
    writeFileSync(path.join(folder, "dist/src/main.js"), "process.exitCode = 7;\n");
    const { status, stderr } = spawnSync(program, {
      env: { ...process.env, FAIRLEAD_SKIP_SETUP: "1" },
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 7, stderr: "" });
  });

  test("runs what looks at a cluster, or ends it, without set-up; and what starts one with it", () => {
    const program = path.join(folder, "fairlead");
    cpSync(launcher, program);
    for (const made of ["src", "dist/src", "node_modules", "scripts"])
      mkdirSync(path.join(folder, made), { recursive: true });
    writeFileSync(path.join(folder, "dist/src/main.js"), "process.exitCode = 7;\n");
    writeFileSync(path.join(folder, "scripts/setup"), "#!/bin/sh\nexit 9\n", { mode: 0o755 });
    const { FAIRLEAD_SKIP_SETUP: _, ...env } = process.env;
    const codeOf = (...args: string[]): number | null => spawnSync(program, args, { env }).status;
    for (const command of ["status", "logs", "down"]) expect(codeOf(command, "--json")).toBe(7);
    expect(codeOf("up")).toBe(9);
    expect(codeOf()).toBe(9);
    rmSync(path.join(folder, "node_modules"), { recursive: true });
    expect(codeOf("status")).toBe(9);
  });

  test("sets up what runs containers for the commands that start them, and for no others", () => {
    const program = path.join(folder, "fairlead");
    cpSync(launcher, program);
    for (const made of ["src", "scripts"]) mkdirSync(path.join(folder, made), { recursive: true });
    writeFileSync(path.join(folder, "scripts/setup"), "#!/bin/sh\necho $*\nexit 9\n", { mode: 0o755 });
    const { FAIRLEAD_SKIP_SETUP: _, ...env } = process.env;
    const profileOf = (...args: string[]): string => spawnSync(program, args, { env, encoding: "utf8" }).stdout.trim();
    for (const args of [["up"], ["up", "--demo"], ["node", "join", "10.0.0.1:6443"]])
      expect(profileOf(...args)).toBe("up");
    for (const args of [[], ["node", "--config", "f"], ["server"], ["proxy"]])
      expect(profileOf(...args)).toBe("runtime");
  });
});
