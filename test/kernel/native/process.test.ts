import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { native, type RunOptions, type RunResult } from "../../../src/kernel/native.ts";
import { useNamespace } from "../../fixtures/namespace.ts";
import { rejection } from "./wire.ts";

const namespace = useNamespace({ loopback: false });

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "fairlead-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function run(argv: readonly [string, ...string[]], options: Partial<RunOptions> = {}): Promise<RunResult> {
  return native().runInNamespace(namespace(), { argv, timeoutMs: 10_000, maxOutputBytes: 1 << 20, ...options });
}

const shell = (script: string, options: Partial<RunOptions> = {}): Promise<RunResult> =>
  run(["sh", "-c", script], options);

/** Waits until a process that was killed is gone; its reaper may be another. */
async function gone(pid: string): Promise<boolean> {
  for (let i = 0; i < 200 && isRunning(pid); i++) await sleep(10);
  return !isRunning(pid);
}

function isRunning(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("what comes back", () => {
  test("status and both outputs, apart", async () => {
    const result = await shell("echo out; echo err >&2; exit 7");
    expect(result).toMatchObject({ status: 7, signal: null });
    expect([result.stdout.toString(), result.stderr.toString()]).toEqual(["out\n", "err\n"]);
  });

  test("the signal that ended it", async () => {
    expect(await shell("kill -TERM $$")).toMatchObject({ status: null, signal: 15 });
  });

  test("output larger than a pipe", async () => {
    const result = await shell("head -c 900000 /dev/zero; head -c 800000 /dev/zero >&2");
    expect([result.stdout.length, result.stderr.length]).toEqual([900_000, 800_000]);
  });
});

describe("what the program finds", () => {
  test("the namespace", async () => {
    const link = await run(["readlink", "/proc/self/ns/net"]);
    expect(link.stdout.toString()).toBe(`net:[${namespace().inode}]\n`);
    const own = await native().runInNamespace(null, {
      argv: ["readlink", "/proc/self/ns/net"],
      timeoutMs: 10_000,
      maxOutputBytes: 100,
    });
    expect(own.stdout.toString()).toBe(`${readlinkSync("/proc/self/ns/net")}\n`);
  });

  test("an empty stdin unless there is one", async () => {
    expect((await run(["cat"])).stdout).toHaveLength(0);
    const stdin = Buffer.alloc(500_000, "line\n");
    expect((await run(["cat"], { stdin })).stdout.equals(stdin)).toBe(true);
    expect((await run(["cat"], { stdin: Buffer.alloc(0) })).stdout).toHaveLength(0);
  });

  test("this process's environment, or the one it was given", async () => {
    process.env["FAIRLEAD_TEST_VARIABLE"] = "ä value";
    try {
      expect((await shell("echo $FAIRLEAD_TEST_VARIABLE")).stdout.toString()).toBe("ä value\n");
    } finally {
      delete process.env["FAIRLEAD_TEST_VARIABLE"];
    }
    expect((await run(["env"], { env: ["A=1", "B=2=3"] })).stdout.toString()).toBe("A=1\nB=2=3\n");
  });

  test("no descriptor of ours", async () => {
    // ls itself opens the directory, as the fourth.
    expect((await run(["ls", "/proc/self/fd"])).stdout.toString()).toBe("0\n1\n2\n3\n");
  });

  test("no signal blocked or ignored, in a process group of its own", async () => {
    const status = (await run(["cat", "/proc/self/status"])).stdout.toString();
    expect(status).toMatch(/^SigBlk:\t0+$/m);
    // glibc's posix_spawn ignores its own two, 32 and 33.
    expect(status).toMatch(/^SigIgn:\t0+(180000000)?$/m);
    const [, id, group] = /^(\d+) .* (\d+) \d+$/m.exec(
      (await shell("cut -d' ' -f1-6 /proc/$$/stat")).stdout.toString(),
    )!;
    expect(group).toBe(id);
  });
});

describe("a program that cannot be run", () => {
  test.each(["fairlead-there-is-none", "/usr/bin/fairlead-there-is-none", "/etc/passwd/x"])("%s", async (program) => {
    const error = await rejection(run([program]));
    expect(error).toMatchObject({ syscall: "execvp", subject: program });
    expect(["ENOENT", "ENOTDIR"]).toContain(error.code);
  });

  test("is not executable", async () => {
    expect(await rejection(run(["/etc/passwd"]))).toMatchObject({ code: "EACCES", syscall: "execvp" });
  });

  test("has no namespace", async () => {
    const options = { argv: ["true"], timeoutMs: 1000, maxOutputBytes: 0 } as const;
    expect(await rejection(native().runInNamespace("/none", options))).toMatchObject({
      code: "ENOENT",
      subject: "/none",
    });
  });
});

describe("bounds", () => {
  test("a program that lasts is killed with its children", async () => {
    const pids = path.join(directory, "pids");
    const started = Date.now();
    const script = `sleep 100 & echo $! > ${pids}; (trap '' TERM; sleep 100) & echo $! >> ${pids}; wait`;
    expect(await rejection(shell(script, { timeoutMs: 300 }))).toMatchObject({
      code: "ETIMEDOUT",
      syscall: "waitpid",
      subject: "sh",
    });
    expect(Date.now() - started).toBeLessThan(5000);
    for (const pid of readFileSync(pids, "utf8").trim().split("\n")) expect(await gone(pid)).toBe(true);
  });

  test.each(["yes", "yes >&2"])("too much output ends it: %s", async (script) => {
    expect(await rejection(shell(script, { maxOutputBytes: 100_000 }))).toMatchObject({
      code: "EFBIG",
      syscall: "read",
    });
  });

  test("output of just the bound is none too much", async () => {
    expect((await shell("printf 12345", { maxOutputBytes: 5 })).stdout.toString()).toBe("12345");
    expect(await rejection(shell("printf 123456", { maxOutputBytes: 5 }))).toMatchObject({ code: "EFBIG" });
  });

  test("a program that reads none of its stdin ends as it likes", async () => {
    expect(await run(["true"], { stdin: Buffer.alloc(1 << 20) })).toMatchObject({ status: 0 });
    expect(await shell("exec <&-; sleep 0.1; exit 3", { stdin: Buffer.alloc(1 << 20) })).toMatchObject({ status: 3 });
  });

  test("a descendant that keeps the pipes open is not waited for", async () => {
    const started = Date.now();
    const pid = (await shell("sleep 100 & echo $!")).stdout.toString().trim();
    try {
      expect(Date.now() - started).toBeLessThan(5000);
      expect(isRunning(pid)).toBe(true);
    } finally {
      process.kill(Number(pid), "SIGKILL");
    }
    expect(await gone(pid)).toBe(true);
  });

  test("more programs than threads wait their turn", async () => {
    const file = path.join(directory, "runs");
    const runs = Array.from({ length: 100 }, (_, i) => shell(`echo ${i} >> ${file}; sleep 0.02; exit ${i}`));
    const results = await Promise.all(runs);
    expect(results.map(({ status }) => status)).toEqual(results.map((_, i) => i));
    expect(existsSync(file) && readFileSync(file, "utf8").trim().split("\n")).toHaveLength(100);
  });
});
