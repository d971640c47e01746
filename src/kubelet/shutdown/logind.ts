/**
 * systemd-logind, by the programs that come with it: `systemd-inhibit` holds its lock, `busctl` shows its signal and its
 * bound. A library for D-Bus would speak for three messages in a machine's life. Of the lock is known: logind gives it up
 * after InhibitDelayMaxSec, which is made longer by a file beside its configuration, as upstream's kubelet does.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { ShutdownLock, ShutdownPort } from "./port.ts";

const bus = ["org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"] as const;
const signal = `type='signal',interface='${bus[2]}',member='PrepareForShutdown',path='${bus[1]}'`;
const timeoutMs = 10_000;
/** systemd-inhibit has its lock before it starts what it runs; that one says so. */
const ready = "locked\n";

export interface LogindOptions {
  /** Where its drop-ins are. */
  readonly folder?: string;
}

export function logind({ folder = "/etc/systemd/logind.conf.d" }: LogindOptions = {}): ShutdownPort {
  return {
    async prepare(wantedMs) {
      const nowMs = await longestMs();
      if (nowMs >= wantedMs) return nowMs;
      await mkdir(folder, { recursive: true });
      const text = `# Made by the kubelet: pods have this long to end.\n[Login]\nInhibitDelayMaxSec=${Math.ceil(wantedMs / 1000)}\n`;
      await writeFile(path.join(folder, "99-kubelet.conf"), text, { mode: 0o644 });
      await run("systemctl", ["kill", "--signal=HUP", "systemd-logind.service"]);
      return longestMs();
    },
    inhibit,
    watch,
  };
}

function run(program: string, args: readonly string[]): Promise<{ stdout: string }> {
  return promisify(execFile)(program, [...args], { timeout: timeoutMs });
}

async function longestMs(): Promise<number> {
  const { stdout } = await run("busctl", ["--system", "get-property", ...bus, "InhibitDelayMaxUSec"]);
  const microseconds = Number(/^t (\d+)/.exec(stdout)?.[1]);
  if (!Number.isFinite(microseconds)) throw new Error(`logind does not say how long it waits: ${stdout.trim()}`);
  return microseconds / 1000;
}

async function inhibit(): Promise<ShutdownLock> {
  const what = ["--what=shutdown", "--mode=delay", "--who=kubelet", "--why=Kubelet needs time to handle node shutdown"];
  // It ends when its standard input does: with the kubelet, however that ends.
  const child = spawn("systemd-inhibit", [...what, "sh", "-c", "echo locked; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.on("error", () => undefined);
  await said(child, ready);
  return { release: () => void child.stdin.destroy() };
}

function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error(`systemd-inhibit says nothing within ${timeoutMs} ms`)), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      child.kill();
      reject(error);
    };
    child.once("error", fail);
    child.once("exit", (code) => fail(new Error(`systemd-inhibit ended with ${code}: is systemd-logind there?`)));
    let heard = "";
    child.stdout?.on("data", (part: Buffer) => {
      heard += part.toString();
      if (!heard.includes(text)) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

interface Message {
  readonly member?: string;
  readonly payload?: { readonly data?: readonly unknown[] };
}

function watch(changed: (isGoingDown: boolean) => void, lost: (error: Error) => void): () => void {
  const child = spawn("busctl", ["--system", "--json=short", "monitor", `--match=${signal}`], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let isStopped = false;
  const end = (error: Error): void => {
    if (!isStopped) lost(error);
    isStopped = true;
  };
  child.once("error", end);
  child.once("exit", (code) => end(new Error(`busctl ended with ${code}`)));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const isGoingDown = isStopped ? undefined : prepareForShutdown(line);
    if (isGoingDown !== undefined) changed(isGoingDown);
  });
  return () => {
    isStopped = true;
    child.kill();
  };
}

/** @returns what the signal says; undefined: it is another message */
export function prepareForShutdown(line: string): boolean | undefined {
  try {
    const { member, payload } = JSON.parse(line) as Message;
    const value = payload?.data?.[0];
    return member === "PrepareForShutdown" && typeof value === "boolean" ? value : undefined;
  } catch {
    return undefined;
  }
}
