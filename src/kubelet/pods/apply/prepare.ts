/** What a container's start needs and its sandbox does not give: got ready while the sandbox is made. */
import { allContainers, type ContainerSpec } from "../containers.ts";
import type { Sources } from "../render/env.ts";
import { newMessageFile } from "./mounts.ts";
import type { StepRun } from "./run.ts";

/** Of the first container. Never fails: what could not be got ready, the start finds missing, and says so. */
export async function prepareFirst(run: StepRun): Promise<void> {
  const [first] = allContainers(run.state.pod);
  if (!first) return;
  const { name } = first.spec;
  const { messageFiles } = run.state;
  // Held by what watches them from here on; an API server that does not answer holds up no sandbox.
  void sourcesOf(run, first.spec).catch(() => undefined);
  const made = messageFiles.get(name) ?? newMessageFile(run, name);
  messageFiles.set(name, made);
  await made.catch(() => messageFiles.delete(name));
}

/** One that was made before, once; else a new one. */
export function takeMessageFile(run: StepRun, container: string): Promise<string> {
  const { messageFiles } = run.state;
  const made = messageFiles.get(container) ?? newMessageFile(run, container);
  messageFiles.delete(container);
  return made;
}

/** Reads all objects that a container's environment names. */
export async function sourcesOf({ sources }: StepRun, { env = [], envFrom = [] }: ContainerSpec): Promise<Sources> {
  const configMaps = new Map<string, Record<string, string> | undefined>();
  const secrets = new Map<string, Record<string, string> | undefined>();
  const read = async (kind: "configMap" | "secret", name: string | undefined): Promise<void> => {
    if (!name) return;
    const content = await sources[kind](name);
    const text = content && Object.fromEntries([...content].map(([key, value]) => [key, value.toString()]));
    (kind === "configMap" ? configMaps : secrets).set(name, text);
  };
  await Promise.all([
    ...envFrom.map(({ configMapRef }) => read("configMap", configMapRef?.name)),
    ...envFrom.map(({ secretRef }) => read("secret", secretRef?.name)),
    ...env.map(({ valueFrom }) => read("configMap", valueFrom?.configMapKeyRef?.name)),
    ...env.map(({ valueFrom }) => read("secret", valueFrom?.secretKeyRef?.name)),
  ]);
  return { configMap: (name) => configMaps.get(name), secret: (name) => secrets.get(name) };
}
