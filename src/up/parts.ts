/** The processes of a cluster: started where they do not run, and waited for. */
import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { FairleadError } from "../errors/catalogue.ts";
import { namespacePath } from "../kernel/namespace_name.ts";
import type { UpContext } from "./context.ts";
import { partFiles, type Instance, type PartName } from "./instance.ts";
import { launch, runningPid } from "./processes.ts";
import { renderArguments } from "./render.ts";
import type { UpSettings } from "./settings.ts";

const run = promisify(execFile);
const lookMs = 20;
const tailBytes = 4096;

/** @returns whether it was started, rather than found */
export function startPart({ instance, settings, programs, ending }: UpContext, part: PartName): boolean {
  ending?.throwIfAborted();
  const { pid: pidFile, log: logFile } = partFiles(instance, part);
  if (runningPid(pidFile) !== undefined) return false;
  const args = renderArguments(instance, settings)[part];
  const program = part === "containerd" ? "containerd" : programs.launcher;
  const [first, ...rest] = inNamespace(settings, [program, ...args]);
  // Set-up and build were due before `up` itself.
  launch({ pidFile, logFile, argv: [first!, ...rest], environment: { FAIRLEAD_SKIP_SETUP: "1" } });
  return true;
}

/** Not `ip netns exec`: its fresh /sys would hide the control groups. nsenter becomes the program, under its own number. */
export function inNamespace({ netns }: UpSettings, argv: readonly string[]): readonly string[] {
  return netns === undefined ? argv : ["nsenter", `--net=${namespacePath(netns)}`, "--", ...argv];
}

/**
 * Asks until the answer is true.
 *
 * @throws FairleadError UP_PART where the part's process ends, or the time is over
 */
export async function awaitPart(
  instance: Instance,
  part: PartName,
  ask: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const { pid: pidFile, log } = partFiles(instance, part);
  for (const until = Date.now() + timeoutMs; !(await ask().catch(() => false)); await sleep(lookMs)) {
    const isGone = runningPid(pidFile) === undefined;
    if (!isGone && Date.now() < until) continue;
    const what = isGone ? "it ended" : `it was not ready within ${timeoutMs / 1000} s`;
    throw new FairleadError("UP_PART", { subject: part, reason: `${what}; its last words: ${await lastWords(log)}` });
  }
}

export async function containerdAnswers({ containerd }: Instance): Promise<boolean> {
  if (!(await answers({ path: containerd.socket }))) return false;
  await run("ctr", ["--address", containerd.socket, "version"], { timeout: 5000 });
  return true;
}

/** Something listens there. */
export function answers(at: net.NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ ...at, timeout: 1000 });
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", end(true));
    for (const event of ["error", "timeout"]) socket.once(event, end(false));
  });
}

/** The last line of a log that says something; of JSON its message. */
export async function lastWords(file: string): Promise<string> {
  const text = await tailOf(file, tailBytes).catch(() => "");
  const line = text.trimEnd().split("\n").at(-1) ?? "";
  if (line === "") return "none";
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: unknown };
    return [msg, typeof err === "string" ? err : undefined].filter((part) => part !== undefined).join(": ");
  } catch {
    return line;
  }
}

export async function tailOf(file: string, bytes: number): Promise<string> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - bytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}
