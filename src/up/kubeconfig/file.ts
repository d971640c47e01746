/** The user's kubeconfig on disk: under kubectl's lock, whole or not at all, with what was before beside it. */
import { copyFile, mkdir, open, readFile, realpath, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FairleadError } from "../../errors/catalogue.ts";
import { writeWhole } from "../../files/whole.ts";
import { currentContext, mergeEntry, removeEntry, type KubeconfigEntry } from "./merge.ts";

const lockTimeoutMs = 5000;
const lockRetryMs = 50;

/** The first of $KUBECONFIG, else ~/.kube/config, as kubectl writes. */
export function defaultKubeconfig(environment: NodeJS.ProcessEnv): string {
  const [first] = (environment["KUBECONFIG"] ?? "").split(":").filter((file) => file !== "");
  return first ?? path.join(environment["HOME"] ?? os.homedir(), ".kube/config");
}

/** @returns the current context before, where it was another */
export async function mergeIntoFile(file: string, entry: KubeconfigEntry): Promise<string | undefined> {
  return changing(file, async (place, text) => {
    const before = text === "" ? undefined : currentContext(text);
    const merged = mergeEntry(text, entry);
    if (merged !== text) {
      if (text !== "") await copyFile(place, backupOf(place)).catch(() => undefined);
      await writeWhole(place, merged, text === "" ? 0o600 : undefined);
    }
    return before === entry.name ? undefined : before;
  });
}

/** Takes ours out; a file that held nothing else goes, and the backup with it. */
export async function removeFromFile(file: string, name: string, contextBefore?: string): Promise<void> {
  await changing(file, async (place, text) => {
    if (text === "") return;
    const left = removeEntry(text, name, contextBefore);
    if (left === undefined) await rm(place, { force: true });
    else if (left !== text) await writeWhole(place, left);
    await rm(backupOf(place), { force: true });
  });
}

/** What was there before we last wrote. */
function backupOf(place: string): string {
  return `${place}.before-fairlead`;
}

async function changing<T>(file: string, work: (place: string, text: string) => Promise<T>): Promise<T> {
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o755 });
    // A link stays one: what it leads to is written.
    const place = await realpath(file).catch(() => file);
    // client-go's lock (tools/clientcmd, lockFile): who runs kubectl meanwhile loses nothing.
    const lock = `${place}.lock`;
    await take(lock);
    try {
      return await work(place, await readIfThere(place));
    } finally {
      await rm(lock, { force: true });
    }
  } catch (cause) {
    if (cause instanceof FairleadError) throw cause;
    throw new FairleadError("KUBECONFIG_WRITE", { subject: file, cause });
  }
}

async function take(lock: string): Promise<void> {
  for (const until = Date.now() + lockTimeoutMs; ; await sleep(lockRetryMs)) {
    try {
      await (await open(lock, "wx", 0o600)).close();
      return;
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === "EEXIST";
      if (!isTaken) throw error;
      if (Date.now() > until)
        throw new Error(`${lock} is there: if no kubectl is writing it, remove it`, { cause: error });
    }
  }
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
