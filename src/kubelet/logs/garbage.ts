/** Logs whose pods are gone, and links that lead nowhere (kuberuntime_gc.go, evictPodLogsDirectories). */
import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { containerLogsFolder, type Folders } from "../pods/names.ts";
import { idOfLink, uidOfFolder } from "./plan.ts";

/**
 * @param isKnown a pod of the API or of the runtime, by its uid
 * @param isRunning a container that may be between two files of its log, by its id
 */
export async function removeDeadLogs(
  folders: Folders,
  isKnown: (uid: string) => boolean,
  isRunning: (id: string) => boolean,
): Promise<void> {
  for (const name of await readdir(folders.podLogs).catch(() => [])) {
    if (!isKnown(uidOfFolder(name))) await rm(path.join(folders.podLogs, name), { recursive: true, force: true });
  }
  const links = containerLogsFolder(folders);
  for (const name of await readdir(links).catch(() => [])) {
    const id = idOfLink(name);
    if (id === undefined || isRunning(id)) continue;
    const link = path.join(links, name);
    if (!(await stat(link).catch(() => undefined))) await rm(link, { force: true });
  }
}
