/** The data directory: made, writable, and one server's alone. */
import { accessSync, constants, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { FairleadError } from "../../errors/catalogue.ts";

/** Where things are under the data directory. */
export const storeFile = (dataDir: string): string => path.join(dataDir, "store.db");
export const adminKubeconfigFile = (dataDir: string): string => path.join(dataDir, "admin.kubeconfig");
const ownerFile = (dataDir: string): string => path.join(dataDir, "server.pid");

/**
 * Makes the directory, owner-only, and takes it for this process. What a process that is gone left
 * behind is taken over. The store's own lock on its file holds where two processes cannot see each other.
 *
 * @returns how to give it back
 * @throws FairleadError DATA_DIR, DATA_DIR_IN_USE
 */
export function takeDataDir(dataDir: string): () => void {
  try {
    makeFolder(dataDir);
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return takeOwnership(dataDir);
  } catch (cause) {
    if (cause instanceof FairleadError) throw cause;
    throw new FairleadError("DATA_DIR", { subject: dataDir, cause });
  }
}

/** With its parents. node's own `recursive` never ends where a file system makes no folders (/proc). */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || path.dirname(folder) === folder) throw error;
    makeFolder(path.dirname(folder));
    mkdirSync(folder, { mode: 0o700 });
  }
}

/** A link is made whole or not at all, so that of two that start together one wins. */
function takeOwnership(dataDir: string): () => void {
  const file = ownerFile(dataDir);
  const own = `${file}.${process.pid}`;
  const self = identityOf(process.pid);
  writeFileSync(own, `${self}\n`, { mode: 0o600 });
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        linkSync(own, file);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt === 3) throw error;
        const owner = ownerOf(file);
        if (owner !== undefined) throw inUse(dataDir, owner);
        rmSync(file, { force: true });
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => {
    if (readIfThere(file) === `${self}\n`) rmSync(file, { force: true });
  };
}

function inUse(dataDir: string, pid: string): FairleadError {
  return new FairleadError("DATA_DIR_IN_USE", { subject: dataDir, reason: `process ${pid} has it` });
}

/** The process that has the directory; undefined where it is gone. */
function ownerOf(file: string): string | undefined {
  const identity = readIfThere(file)?.trim() ?? "";
  const [pid = ""] = identity.split(" ");
  return /^\d+$/.test(pid) && identityOf(Number(pid)) === identity ? pid : undefined;
}

/** A process number with the process's start (proc(5), stat, field 22): numbers are used again. */
function identityOf(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  // The command's name stands in parentheses and may hold anything.
  const started = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  return started === undefined ? undefined : `${pid} ${started}`;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
