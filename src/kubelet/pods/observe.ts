/** The runtime → what it shows of one pod. Never of all pods. */
import { open } from "node:fs/promises";
import { FairleadError } from "../../errors/catalogue.ts";
import type { Container, ContainerStatus, PodSandbox } from "../cri/messages.ts";
import type { RuntimeService } from "../cri/runtime.ts";
import { messageFileAnnotation, messagePolicyAnnotation, podUidLabel } from "./names.ts";
import { observedContainer, observedSandbox, type ObservedContainer, type ObservedPod } from "./observed.ts";

export interface Listed {
  readonly sandboxes: readonly PodSandbox[];
  readonly containers: readonly Container[];
}

export async function listPod(runtime: RuntimeService, uid: string): Promise<Listed> {
  const labels = { [podUidLabel]: uid };
  const [sandboxes, containers] = await Promise.all([
    runtime.listPodSandboxes({ labels }),
    runtime.listContainers({ labels }),
  ]);
  return { sandboxes, containers };
}

/** @param before what need not be asked again: a container that had ended has not changed */
export async function observePod(runtime: RuntimeService, listed: Listed, before: ObservedPod): Promise<ObservedPod> {
  const sandboxes = await Promise.all(
    listed.sandboxes.map(({ id }) => orGone(async () => observedSandbox(await runtime.podSandboxStatus(id)))),
  );
  const containers = await Promise.all(
    listed.containers.map(async ({ id, podSandboxId, state }) => {
      const known = before.containers.find((one) => one.id === id);
      if (known?.state === "exited" && state === "CONTAINER_EXITED") return known;
      return orGone(() => observeContainer(runtime, id, podSandboxId));
    }),
  );
  return {
    sandboxes: sandboxes.filter((one) => one !== undefined).sort((a, b) => b.createdAtMs - a.createdAtMs),
    containers: containers.filter((one) => one !== undefined).sort((a, b) => b.createdAtMs - a.createdAtMs),
  };
}

export async function observeContainer(
  runtime: RuntimeService,
  id: string,
  sandboxId: string,
): Promise<ObservedContainer> {
  const status = await runtime.containerStatus(id);
  const message = status.state === "CONTAINER_EXITED" ? await lastWords(status) : "";
  return observedContainer(status, sandboxId, message);
}

/** What went between the list and the question is not there. */
async function orGone<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof FairleadError && error.code === "CRI_NOT_FOUND") return undefined;
    throw error;
  }
}

/** Bounds of a termination message (pkg/kubelet/container, MaxContainerTerminationMessageLength …), in bytes and lines. */
const maxMessageBytes = 4096;
const maxLogBytes = 2048;
const maxLogLines = 80;

async function lastWords({ annotations, exitCode, logPath }: ContainerStatus): Promise<string> {
  const said = await tail(annotations[messageFileAnnotation], maxMessageBytes);
  if (said !== "" || exitCode === 0 || annotations[messagePolicyAnnotation] !== "FallbackToLogsOnError") return said;
  const lines = (await tail(logPath, 8 * maxLogBytes)).split("\n").slice(0, -1);
  // CRI's form: time, stream, tag, text.
  const texts = lines.slice(-maxLogLines).map((line) => line.split(" ").slice(3).join(" "));
  return texts.join("\n").slice(-maxLogBytes);
}

async function tail(file: string | undefined, most: number): Promise<string> {
  if (!file) return "";
  const handle = await open(file, "r").catch(() => undefined);
  if (!handle) return "";
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, most);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString();
  } finally {
    await handle.close();
  }
}
