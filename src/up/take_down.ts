/** `fairlead down`, and Ctrl-C: everything that `up` made goes, in an order in which each still finds what it needs. */
import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";
import { FairleadError } from "../errors/catalogue.ts";
import { namespacePath } from "../kernel/namespace_name.ts";
import { unmountBelow } from "../kubelet/volumes/mounts.ts";
import type { UpContext } from "./context.ts";
import { isThere } from "../files/whole.ts";
import { partFiles } from "./instance.ts";
import { removeFromFile } from "./kubeconfig/file.ts";
import { awaitPart, containerdAnswers, inNamespace, startPart } from "./parts.ts";
import { endProcess } from "./processes.ts";
import { removeRemains } from "./remains.ts";
import { renderArguments } from "./render.ts";
import { readSettings } from "./settings.ts";

const run = promisify(execFile);
/** What each has to end by itself, in ms. */
const nodeGraceMs = 15_000;
const serverGraceMs = 15_000;
const containerdGraceMs = 10_000;
const podsMs = 120_000;

export interface DownOptions {
  /** Objects, images, volumes and certificates go too. */
  readonly purge: boolean;
}

/** Idempotent: it takes away what is there. @throws FairleadError UP_DOWN with what is left */
export async function takeDown(context: UpContext, { purge }: DownOptions): Promise<void> {
  const { instance, settings, progress } = context;
  await progress.step("node agent", () => endProcess(partFiles(instance, "node").pid, nodeGraceMs));
  const server = (): Promise<boolean> => endProcess(partFiles(instance, "server").pid, serverGraceMs);
  await Promise.all([
    progress.step("pods and network", () => endPods(context)),
    ...(settings.server === undefined ? [progress.step("control plane", server)] : []),
  ]);
  await progress.step("containerd", () => endContainerd(context));
  await progress.step("kubeconfig", () => leaveKubeconfig(context));
  await progress.step(purge ? "files and data" : "files", () => removeFiles(context, purge));
}

/** The node's own clean-up asks the runtime, which has to be there for that. */
async function endPods(context: UpContext): Promise<void> {
  const { instance, settings, programs } = context;
  if (settings.runtimeEndpoint === undefined && (await isThere(instance.containerd.state))) {
    startPart(context, "containerd");
    await awaitPart(instance, "containerd", () => containerdAnswers(instance), 20_000).catch(() => undefined);
  }
  if (!(await isThere(instance.node.config))) return;
  // After a reboot there is nothing in it, and no namespace.
  if (settings.netns !== undefined && !(await isThere(namespacePath(settings.netns)))) return;
  const own = [programs.launcher, ...renderArguments(instance, settings).node, "--cleanup"];
  const [program, ...args] = inNamespace(settings, own);
  const env = { ...process.env, FAIRLEAD_SKIP_SETUP: "1" };
  await run(program!, args, { timeout: podsMs, env, maxBuffer: 16 << 20 }).catch((cause: unknown) => {
    // What is killed below is gone too; only what the kernel keeps by itself would stay.
    context.progress.say(`the node's clean-up failed: ${(cause as Error).message.split("\n")[0]}`);
  });
}

async function endContainerd({ instance, settings }: UpContext): Promise<void> {
  if (settings.runtimeEndpoint !== undefined) return;
  await endProcess(partFiles(instance, "containerd").pid, containerdGraceMs);
  const left = await removeRemains(instance);
  if (left.length > 0)
    throw new FairleadError("UP_DOWN", { subject: "the runtime", reason: `left: ${left.join(", ")}` });
}

async function leaveKubeconfig({ instance, settings }: UpContext): Promise<void> {
  const { kubeconfig, context, contextBefore } = (await readSettings(instance)) ?? settings;
  if (kubeconfig !== undefined) await removeFromFile(kubeconfig, context, contextBefore);
}

async function removeFiles({ instance }: UpContext, purge: boolean): Promise<void> {
  const { dataDir, runDir, settingsFile } = instance;
  for (const folder of [runDir, dataDir]) await unmountBelow(folder);
  await rm(runDir, { recursive: true, force: true });
  if (!purge) return;
  // A folder that no `up` has made is nobody's to remove.
  if (await isThere(settingsFile)) await rm(dataDir, { recursive: true, force: true });
}
