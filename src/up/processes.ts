/** Processes that outlive who started them: known by a file with their number and start, and ended with bounds. */
import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync, closeSync, mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Between two looks at a process that is to end, in ms. */
const lookMs = 25;

export interface Launch {
  readonly pidFile: string;
  readonly logFile: string;
  readonly argv: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts it in a session of its own: Ctrl-C at our terminal, and our own end, do not reach it. @returns its number */
export function launch({ pidFile, logFile, argv, environment = {} }: Launch): number {
  const [program, ...args] = argv;
  for (const file of [pidFile, logFile]) mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const log = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(program, args, {
      cwd: "/",
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...process.env, ...environment },
    });
    // What cannot be started shows as a process that is gone.
    child.on("error", () => undefined);
    child.unref();
    if (child.pid === undefined) return 0;
    notePid(pidFile, child.pid);
    return child.pid;
  } finally {
    closeSync(log);
  }
}

export function notePid(pidFile: string, pid: number): void {
  mkdirSync(path.dirname(pidFile), { recursive: true, mode: 0o755 });
  writeFileSync(pidFile, `${identityOf(pid) ?? ""}\n`, { mode: 0o600 });
}

/** The process that the file names, where it still runs. */
export function runningPid(pidFile: string): number | undefined {
  const identity = readIfThere(pidFile)?.trim() ?? "";
  const pid = Number(identity.split(" ")[0]);
  return pid > 0 && identityOf(pid) === identity ? pid : undefined;
}

/** A number with the process's start (proc_pid_stat(5), field 22): numbers are used again. Undefined: gone, or a zombie. */
export function identityOf(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields === undefined || fields[0] === "Z" ? undefined : `${pid} ${fields[19]}`;
}

/** Asks it to end, waits, and ends it. The file goes. @returns whether it had to be killed */
export async function endProcess(pidFile: string, graceMs: number): Promise<boolean> {
  const pid = runningPid(pidFile);
  let wasKilled = false;
  if (pid !== undefined) {
    signal(pid, "SIGTERM");
    wasKilled = !(await isGone(pidFile, graceMs));
    if (wasKilled) {
      signal(pid, "SIGKILL");
      await isGone(pidFile, 5000);
    }
  }
  rmSync(pidFile, { force: true });
  return wasKilled;
}

/** Within the time. */
export async function isGone(pidFile: string, timeoutMs: number): Promise<boolean> {
  for (const until = Date.now() + timeoutMs; runningPid(pidFile) !== undefined; await sleep(lookMs)) {
    if (Date.now() > until) return false;
  }
  return true;
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}

/** Resident memory of a process in bytes; 0: it is gone. */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readIfThere(`/proc/${pid}/status`) ?? "")?.[1];
  return Number(kib ?? 0) * 1024;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
