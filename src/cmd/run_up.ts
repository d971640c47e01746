/** `up` as a process: from its first step to the signal that takes the cluster away. */
import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { bringUp } from "../up/bring_up.ts";
import type { UpContext } from "../up/context.ts";
import { partFiles } from "../up/instance.ts";
import { endProcess, notePid, runningPid } from "../up/processes.ts";
import { supervise } from "../up/supervisor.ts";
import type { ExitCode } from "./report.ts";
import { reportError } from "./report.ts";

export interface UpOptions {
  readonly demo: boolean;
  readonly keepPods: boolean;
}

type EndSignal = "SIGINT" | "SIGTERM";

/** @returns the exit code */
export async function runUp(context: UpContext, options: UpOptions): Promise<ExitCode> {
  const { instance } = context;
  // A terminal that is gone takes no cluster with it: 'fairlead down' does.
  process.on("SIGHUP", () => undefined);
  process.stdout.removeAllListeners("error").on("error", () => undefined);
  const other = runningPid(instance.supervisorPid);
  if (other === undefined) notePid(instance.supervisorPid, process.pid);
  const signal = nextSignal();
  const ending = new AbortController();
  const begun = begin({ ...context, ending: ending.signal }, options, other);
  const first = await Promise.race([signal, begun.then(() => undefined, failed)]);
  if (first === "failed") return 1;
  if (other !== undefined) return 0;
  if (first !== undefined) {
    ending.abort();
    return end(context, first, options.keepPods);
  }
  const stop = supervise(context);
  process.send?.("ready");
  if (process.connected) process.disconnect();
  const received = await signal;
  stop();
  return end(context, received, options.keepPods);
}

function failed(error: unknown): "failed" {
  process.stdout.write("\n");
  reportError(error);
  return "failed";
}

async function begin(context: UpContext, { demo }: UpOptions, other: number | undefined): Promise<void> {
  const { progress, settings } = context;
  const client = await bringUp(context);
  if (demo) {
    const { runDemo, nextSteps } = await import("../up/demo.ts");
    const report = await runDemo(client, settings.nodeIp, progress);
    client.close();
    progress.say("");
    for (const line of nextSteps(report, settings.context)) progress.say(line);
  } else {
    client.close();
  }
  progress.say("");
  progress.say(
    other === undefined
      ? `The cluster is ready after ${(progress.elapsedMs / 1000).toFixed(1)} s. Ctrl-C, or 'fairlead down', takes it away.`
      : `The cluster was up already (process ${other}).`,
  );
}

async function end(context: UpContext, signal: EndSignal, keepPods: boolean): Promise<ExitCode> {
  const { instance, progress } = context;
  process.once("SIGINT", () => {
    progress.say("Stopped at once: 'fairlead down' goes on where this has ended.");
    process.exit(1);
  });
  progress.say("");
  try {
    if (keepPods && signal === "SIGTERM") {
      await Promise.all((["node", "server"] as const).map((part) => endProcess(partFiles(instance, part).pid, 15_000)));
      await rm(instance.supervisorPid, { force: true });
    } else {
      const { takeDown } = await import("../up/take_down.ts");
      await takeDown(context, { purge: false });
      progress.say(
        "Down. Objects and images are kept for the next 'fairlead up'; 'fairlead down --purge' removes them.",
      );
    }
    return 0;
  } catch (error) {
    return reportError(error);
  }
}

function nextSignal(): Promise<EndSignal> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve(signal));
  });
}

/** The same command in the background, until it is ready. @returns the exit code */
export function detach(): Promise<number> {
  const args = process.argv.slice(1).filter((word) => word !== "-d" && word !== "--detach");
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    cwd: "/",
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  child.stdout?.pipe(process.stdout);
  child.stderr?.pipe(process.stderr);
  return new Promise((resolve) => {
    child.once("message", () => resolve(0));
    child.once("close", (code) => resolve(code ?? 1));
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill("SIGINT"));
  });
}
