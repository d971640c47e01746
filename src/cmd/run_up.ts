/** `up` as a process: from its first step to the signal that takes the cluster away. */
import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { bringUp } from "../up/bring_up.ts";
import type { UpContext } from "../up/context.ts";
import { bringUpFurther, furtherNodes } from "../up/nodes/further.ts";
import { partFiles } from "../up/instance.ts";
import { endProcess, notePid, runningPid } from "../up/processes.ts";
import { supervise } from "../up/supervisor.ts";
import { programs } from "./instance_flags.ts";
import type { ExitCode } from "./report.ts";
import { reportError } from "./report.ts";
import { takeWatcher, type EndSignal, type Watcher } from "./watcher.ts";

export interface UpOptions {
  /** What is to be, by the flags and by what was before. */
  readonly wanted: () => Promise<UpContext>;
  /** What is, where it was started before. */
  readonly started: () => Promise<UpContext>;
  /** Everything that is to run does when it resolves. @returns the context with what was learnt meanwhile */
  readonly begin: (context: UpContext) => Promise<UpContext>;
  readonly keepPods: boolean;
  /** "cluster", "node": what is up, or down, then. */
  readonly what: string;
}

/** @returns the exit code; where somebody else wakes it, the process ends while the cluster is well */
export async function runUp(options: UpOptions): Promise<ExitCode> {
  const watcher = takeWatcher();
  // A terminal that is gone takes no cluster with it: 'fairlead down' does.
  process.on("SIGHUP", () => undefined);
  process.stdout.removeAllListeners("error").on("error", () => undefined);
  const signal = nextSignal();
  if (watcher?.woken !== undefined) return goOn(watcher, signal, options);
  return start(await options.wanted(), watcher, signal, options);
}

/** From nothing, or with what runs already. */
async function start(
  context: UpContext,
  watcher: Watcher | undefined,
  signal: Promise<EndSignal>,
  options: UpOptions,
): Promise<ExitCode> {
  const { instance } = context;
  const other = runningPid(instance.supervisorPid);
  if (other === undefined) notePid(instance.supervisorPid, watcher?.pid ?? process.pid);
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
  process.send?.("ready");
  if (process.connected) process.disconnect();
  return keep(first, watcher, signal, options);
}

/** With a cluster that was ready before. */
async function goOn(watcher: Watcher, signal: Promise<EndSignal>, options: UpOptions): Promise<ExitCode> {
  const context = await options.started();
  return watcher.woken === "change" ? keep(context, watcher, signal, options) : end(context, watcher.woken!, options);
}

/** Until the signal that ends it; or until nothing is to be done, where somebody wakes it. */
async function keep(
  context: UpContext,
  watcher: Watcher | undefined,
  signal: Promise<EndSignal>,
  options: UpOptions,
): Promise<ExitCode> {
  const supervision = supervise(context);
  const asleep = watcher && supervision.calm.then((notes) => watcher.sleep(notes));
  const received = await (asleep ? Promise.race([signal, asleep]) : signal);
  supervision.stop();
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
  const args = process.argv.slice(2).filter((word) => word !== "-d" && word !== "--detach");
  const child = spawn(programs().launcher, args, {
    cwd: "/",
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, FAIRLEAD_SKIP_SETUP: "1" },
  });
  child.stdout?.pipe(process.stdout);
  child.stderr?.pipe(process.stderr);
  return new Promise((resolve) => {
    child.once("message", () => resolve(0));
    child.once("close", (code) => resolve(code ?? 1));
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill("SIGINT"));
  });
}
