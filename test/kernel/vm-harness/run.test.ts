/** The harness, seen from the host. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { ensureImage, type Image } from "../../vm/harness/image.ts";
import { defaultMachine } from "../../vm/harness/machine.ts";
import { cacheRoot, repositoryRoot } from "../../vm/harness/paths.ts";
import { runInVm } from "../../vm/harness/run.ts";
import { ensureSnapshot } from "../../vm/harness/snapshot.ts";

/** What a machine of the process `pid` would leave: its qemu, which has the directory in its arguments, or that. */
function leftBehind(pid: number): string[] {
  return [...commandLines(), ...readdirSync(tmpdir())].filter((line) => line.includes(`fairlead-vm.${pid}.`));
}

function commandLines(): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
      return []; // It has ended since.
    }
  });
}

// Emulation is slow on a busy host.
vi.setConfig({ testTimeout: 180_000 });

beforeAll(async () => {
  await ensureSnapshot(defaultMachine(), await ensureImage(defaultMachine().kernel));
}, 300_000);

afterEach(() => {
  expect(leftBehind(process.pid)).toEqual([]);
});

test("the exit code and both outputs of the command come back", async () => {
  const result = await runInVm({ script: "uname -r; echo complaint >&2; exit 3" });
  expect(result).toEqual({
    exitCode: 3,
    stdout: `${result.kernel}\n`,
    stderr: "complaint\n",
    start: "snapshot",
    kernel: expect.stringMatching(/^6\./),
  });
});

test("what the command leaves in /vmout comes back, and nothing else", async () => {
  const outDirectory = mkdtempSync(path.join(tmpdir(), "fairlead-vm-test."));
  try {
    await runInVm({ script: "mkdir /vmout/deep; echo content >/vmout/deep/file", outDirectory });
    expect(readdirSync(outDirectory, { recursive: true })).toEqual(["deep", "deep/file"]);
    expect(readFileSync(path.join(outDirectory, "deep/file"), "utf8")).toBe("content\n");
  } finally {
    rmSync(outDirectory, { recursive: true });
  }
});

test("the command finds the host's files, its clock and the wanted environment", async () => {
  const script =
    'cat package.json; date +%s >&2; test "$FAIRLEAD_A" = "it\'s" && test -w dist/ && touch dist/only-there';
  const result = await runInVm({ script, cwd: repositoryRoot, env: { FAIRLEAD_A: "it's" } });
  expect(result.exitCode).toBe(0);
  expect(result.stdout).toBe(readFileSync(path.join(repositoryRoot, "package.json"), "utf8"));
  expect(Math.abs(Number(result.stderr) - Date.now() / 1000)).toBeLessThan(60);
  expect(readdirSync(path.join(repositoryRoot, "dist"))).not.toContain("only-there");
});

test("a command that hangs is killed, and the error says where it was", async () => {
  const run = runInVm({ script: "echo reached this; sleep 1000", timeoutMs: 20_000 });
  await expect(run).rejects.toMatchObject({
    code: "TIMEOUT",
    message: expect.stringMatching(/did not end within 20 s and was killed[^]*reached this/),
  });
});

test("a kernel that crashes ends the run with what it said", async () => {
  const run = runInVm({ script: "echo c >/proc/sysrq-trigger; sleep 1000" });
  await expect(run).rejects.toMatchObject({
    code: "GUEST_DIED",
    message: expect.stringContaining("sysrq triggered crash"),
  });
});

test("an interrupted run leaves nothing", async () => {
  const controller = new AbortController();
  const run = runInVm({ script: "sleep 1000", signal: controller.signal });
  setTimeout(() => controller.abort(), 1500);
  await expect(run).rejects.toMatchObject({ code: "ABORTED" });
});

test.each(["SIGINT", "SIGKILL"] as const)("the command line, ended by %s, leaves no machine", async (signal) => {
  const cli = path.join(repositoryRoot, "dist/test/vm/harness/cli.js");
  const command = [cli, "exec", "--", "echo started; sleep 1000"];
  const child = spawn(process.execPath, command, { stdio: "pipe", detached: true });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  // As a terminal does: to the whole process group.
  process.kill(-(child.pid as number), signal);
  expect(await ended).toEqual(signal === "SIGINT" ? [130, null] : [null, "SIGKILL"]);
  // The kernel kills qemu when its parent dies; on a busy host it takes a moment to be gone.
  const qemu = (): string[] => leftBehind(child.pid as number).filter((line) => line.startsWith("qemu"));
  await vi.waitFor(() => expect(qemu()).toEqual([]), { timeout: 10_000, interval: 50 });
  // A killed process cannot remove its directory: the next run does.
  await runInVm({ script: "true" });
  expect(leftBehind(child.pid as number)).toEqual([]);
});

test.each([
  ["cut short", (file: string) => truncateSync(file, 1_000_000)],
  ["damaged", (file: string) => damage(file)],
])("a snapshot that was %s is made anew", { timeout: 300_000 }, async (_, spoil) => {
  const machine = { ...defaultMachine(), memoryMiB: 768, cpus: 1 };
  const shared = await ensureImage(machine.kernel);
  await withOwnCache(shared, async () => {
    spoil((await ensureSnapshot(machine, await ensureImage(machine.kernel))).file);
    expect(await runInVm({ script: "nproc", machine })).toMatchObject({ stdout: "1\n", start: "new snapshot" });
    expect(await runInVm({ script: "nproc", machine })).toMatchObject({ stdout: "1\n", start: "snapshot" });
  });
});

/** Runs `work` with a cache of its own, which has no more than the kernel of the shared one. */
async function withOwnCache(shared: Image, work: () => Promise<void>): Promise<void> {
  const own = mkdtempSync(path.join(tmpdir(), "fairlead-vm-test."));
  vi.stubEnv("XDG_CACHE_HOME", own);
  try {
    const directory = path.join(cacheRoot(), shared.package);
    mkdirSync(directory, { recursive: true });
    symlinkSync(path.join(shared.directory, "kernel"), path.join(directory, "kernel"));
    await work();
  } finally {
    vi.unstubAllEnvs();
    rmSync(own, { recursive: true });
  }
}

function damage(file: string): void {
  const fd = openSync(file, "r+");
  writeSync(fd, Buffer.alloc(65536, 0xa5), 0, 65536, 0);
  closeSync(fd);
}
