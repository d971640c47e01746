import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";

/**
 * Runs `work` while holding the exclusive lock of `file`.
 *
 * The lock is flock(2), held by a child that lives as long as its standard input: however this process ends, the
 * kernel closes the pipe and releases the lock, so there is no stale lock to detect.
 */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(path.dirname(file), { recursive: true });
  const holder = spawn("flock", ["--no-fork", file, "sh", "-c", "echo held && exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(holder, "exit");
  try {
    await Promise.race([once(holder.stdout, "data"), refuse(exited, file)]);
    return await work();
  } finally {
    holder.stdin.end();
    await exited;
  }
}

async function refuse(exited: Promise<unknown>, file: string): Promise<never> {
  await exited;
  throw new Error(`cannot lock ${file}: flock (of util-linux) ended at once; is the file writable?`);
}
