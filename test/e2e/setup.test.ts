/** scripts/setup, on machines that are made of a PATH: which packages it finds missing, and what it does about it. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
/** What the script itself runs on; everything else is missing on the machine that a test makes. */
const tools = [
  "sh",
  "awk",
  "cat",
  "dirname",
  "find",
  "flock",
  "grep",
  "mkdir",
  "sha256sum",
  "sort",
  "tr",
  "xargs",
  "id",
  "touch",
  "sed",
];

let machine: string;

beforeEach(() => {
  machine = mkdtempSync(path.join(os.tmpdir(), "fairlead-setup-"));
  for (const folder of ["bin", "scripts", "native", "node_modules", "build/Release"]) {
    mkdirSync(path.join(machine, folder), { recursive: true });
  }
  for (const tool of tools) {
    symlinkSync(
      spawnSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).stdout.trim(),
      path.join(machine, "bin", tool),
    );
  }
  // The script looks in the system's own folders too; on this machine there is nothing in them.
  const script = readFileSync(path.join(root, "scripts/setup"), "utf8").replace(/^PATH=.*$/m, "");
  writeFileSync(path.join(machine, "scripts/setup"), script, { mode: 0o755 });
  for (const file of ["package-lock.json", "binding.gyp"]) cpSync(path.join(root, file), path.join(machine, file));
  program("node", 'case $1 in --version) echo "${NODE_VERSION:-v20.19.0}" ;; *) echo /usr ;; esac');
  program("npm", `echo "npm $*" >>${machine}/calls`);
});

afterEach(() => {
  rmSync(machine, { recursive: true });
});

function program(name: string, script: string): void {
  const file = path.join(machine, "bin", name);
  rmSync(file, { force: true });
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

/** dpkg-query and apt-get, over a file with a line for each package that is installed. */
function debian({ absent = "none" }: { absent?: string } = {}): void {
  writeFileSync(path.join(machine, "installed"), "");
  program("dpkg-query", `sed 's/$/ installed/' ${machine}/installed`);
  program(
    "apt-get",
    `echo "apt-get $*" >>${machine}/calls
case " $* " in *" update "*) exit 100 ;; *" ${absent} "*) echo "E: Unable to locate package ${absent}" && exit 100 ;; esac
for word; do case $word in -* | install | DPkg*) ;; *) echo "$word" >>${machine}/installed ;; esac; done`,
  );
}

function setup(profile: string, env: Record<string, string> = {}) {
  const { status, stderr } = spawnSync(path.join(machine, "scripts/setup"), [profile], {
    cwd: "/",
    encoding: "utf8",
    timeout: 60_000,
    env: { PATH: path.join(machine, "bin"), ...env },
  });
  return { status, stderr };
}

function calls(): string[] {
  const file = path.join(machine, "calls");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

test("another node is refused by its version", () => {
  for (const version of ["v20.18.3", "v22.1.0", "v18.20.0"]) {
    const { status, stderr } = setup("runtime", { NODE_VERSION: version });
    expect(status).toBe(1);
    expect(stderr).toContain(`node is ${version}: install Node.js 20`);
  }
});

test("an unknown profile is refused", () => {
  expect(setup("bogus")).toMatchObject({ status: 1, stderr: "setup: usage: scripts/setup runtime|up|test|addon\n" });
});

describe("on Debian", () => {
  test("installs what is missing and says why", () => {
    debian();
    const { stderr } = setup("runtime");
    expect(stderr).toMatch(/g\+\+ +compiles the native add-on/);
    expect(stderr).not.toContain("qemu");
    expect(calls()[0]).toMatch(/^apt-get .*--no-install-recommends .*install g\+\+ make python3$/);
  });

  test("names the package that cannot be had, after a new look at the lists, whatever other sources say", () => {
    debian({ absent: "qemu-system-x86" });
    const { status, stderr } = setup("test");
    expect(status).toBe(1);
    expect(stderr).toContain("some source of apt failed; going on with the others");
    expect(stderr).toMatch(/^setup: cannot get: qemu-system-x86 \(/m);
    // What can be had is there.
    expect(readFileSync(path.join(machine, "installed"), "utf8")).toMatch(/^clang$/m);
  });

  test("asks for root, naming what it would install", () => {
    debian();
    program("id", "echo 1000");
    const { status, stderr } = setup("runtime");
    expect(status).toBe(1);
    expect(stderr).toMatch(/run 'scripts\/setup runtime' as root, to install:\n {2}g\+\+/);
  });
});

describe("what runs containers", () => {
  const installs = (profile: string): string | undefined => {
    setup(profile);
    return calls().find((call) => call.startsWith("apt-get"));
  };

  test("is of profile up and test, and not of runtime", () => {
    for (const name of ["containerd", "runc"]) {
      expect(packagesOf("up")).toContain(name);
      expect(packagesOf("test")).toContain(name);
      expect(packagesOf("runtime")).not.toContain(name);
    }
  });

  test("is installed where it is missing, without what only tests need", () => {
    debian();
    expect(installs("up")).toMatch(/install g\+\+ make python3 containerd runc$/);
    expect(calls().join()).not.toContain("qemu");
  });

  test("is left alone where another package brings the programs, as docker's containerd.io", () => {
    debian();
    for (const name of ["containerd", "runc"]) program(name, "");
    expect(installs("up")).toMatch(/install g\+\+ make python3$/);
  });
});

/** What apt is asked for on a machine that has nothing. */
function packagesOf(profile: string): string[] {
  debian();
  rmSync(path.join(machine, "calls"), { force: true });
  setup(profile);
  return calls()[0]?.split(" ") ?? [];
}

describe("on a distribution without apt", () => {
  test("lists what to install", () => {
    program("make", "");
    const { status, stderr } = setup("runtime");
    expect(status).toBe(1);
    expect(stderr).toContain("apt-get is not there; install these by other means:");
    expect(stderr).toMatch(/^ {2}g\+\+ /m);
    expect(stderr).not.toMatch(/^ {2}make /m);
  });

  test("goes on where everything is there already", () => {
    for (const name of ["g++", "make", "python3"]) program(name, "");
    setup("runtime");
    expect(calls()).toContain("npm ci --no-audit --no-fund");
  });
});

test("node modules that are there are brought up to date, and never emptied", () => {
  debian();
  writeFileSync(path.join(machine, "node_modules/.package-lock.json"), "{}");
  setup("runtime");
  expect(calls()).toContain("npm install --no-save --no-audit --no-fund");
  expect(calls().join()).not.toContain("npm ci");
});

test("a second run does nothing", () => {
  for (const name of ["g++", "make", "python3"]) program(name, "");
  // What npm and node-gyp leave: the add-on and the stamps, by the script itself.
  program("node-gyp", `mkdir -p ${machine}/build/Release && touch ${machine}/build/Release/fairlead.node`);
  const sqlite = `${machine}/node_modules/better-sqlite3`;
  program("npm", `mkdir -p ${sqlite}; echo "npm $*" >>${machine}/calls; npm_command=ci ${machine}/scripts/setup addon`);
  expect(setup("runtime").status).toBe(0);
  const before = calls();
  expect(setup("runtime")).toEqual({ status: 0, stderr: "" });
  expect(calls()).toEqual(before);
  // A changed source of the add-on rebuilds it, and nothing else.
  writeFileSync(path.join(machine, "native/changed.cc"), "");
  expect(setup("runtime").status).toBe(0);
  expect(calls().slice(before.length)).toEqual(["npm run --silent install"]);
});
