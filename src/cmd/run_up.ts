/** `up` as a process: from its first step to the signal that takes the cluster away. */
import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { bringUp } from "../up/bring_up.ts";
import type { UpContext } from "../up/context.ts";
import { bringUpFurther, furtherNodes } from "../up/nodes/further.ts";
import { partFiles } from "../up/instance.ts";
import { endProcess, notePid, runningPid } from "../up/processes.ts";
import { supervise } from "../up/supervisor.ts";
import type { ExitCode } from "./report.ts";
import { reportError } from "./report.ts";

export interface UpOptions {
  /** Everything that is to run does when it resolves. @returns the context with what was learnt meanwhile */
  readonly begin: (context: UpContext) => Promise<UpContext>;
  readonly keepPods: boolean;
  /** "cluster", "node": what is up, or down, then. */
  readonly what: string;
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
  const begun = options.begin({ ...context, ending: ending.signal });
  const first = await Promise.race([signal, begun.catch(failed)]);
  if (first === "failed") return 1;
  if (other === undefined && typeof first === "string") {
    ending.abort();
    return end(context, first, options);
  }
  sayReady(context, options.what, other);
  if (other !== undefined || typeof first === "string") return 0;
  const stop = supervise(first);
  process.send?.("ready");
  if (process.connected) process.disconnect();
  const received = await signal;
  stop();
  return end(context, received, options);
}

function sayReady({ progress }: UpContext, what: string, other: number | undefined): void {
  progress.say("");
  progress.say(
    other === undefined
      ? `The ${what} is ready after ${(progress.elapsedMs / 1000).toFixed(1)} s. Ctrl-C, or 'fairlead down', takes it away.`
      : `The ${what} was up already (process ${other}).`,
  );
}

function failed(error: unknown): "failed" {
  process.stdout.write("\n");
  reportError(error);
  return "failed";
}

/** A control plane and its nodes. */
export async function beginCluster(context: UpContext, demo: boolean): Promise<UpContext> {
  const { progress, settings } = context;
  const client = await bringUp(context);
  try {
    await bringUpFurther(context, client);
    if (demo) {
      const { runDemo, nextSteps } = await import("../up/demo.ts");
      const report = await runDemo(client, settings.nodeIp, progress);
      progress.say("");
      for (const line of nextSteps(report, settings.context)) progress.say(line);
    }
    return context;
  } finally {
    client.close();
  }
}

async function end(context: UpContext, signal: EndSignal, { keepPods, what }: UpOptions): Promise<ExitCode> {
  const { instance, progress } = context;
  process.once("SIGINT", () => {
    progress.say("Stopped at once: 'fairlead down' goes on where this has ended.");
    process.exit(1);
  });
  progress.say("");
  try {
    if (keepPods && signal === "SIGTERM") {
      const own = [context, ...furtherNodes(context).map((node) => node.context)];
      const pids = own.flatMap((one) => (["node", "server"] as const).map((part) => partFiles(one.instance, part).pid));
      await Promise.all(pids.map((pid) => endProcess(pid, 15_000)));
      await rm(instance.supervisorPid, { force: true });
    } else {
      const { takeDownAll } = await import("../up/nodes/take_down_all.ts");
      await takeDownAll(context, { purge: false });
      progress.say(`Down. What the ${what} keeps is there for the next start; 'fairlead down --purge' removes it.`);
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
