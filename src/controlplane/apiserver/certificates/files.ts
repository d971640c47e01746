/** Key material on disk: owner-only, and never seen half written. */
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import path from "node:path";
import { FairleadError } from "../../../errors/catalogue.ts";

/** Mode of private keys, and of files that hold one. */
export const privateMode = 0o600;
/** Mode of certificates and public keys. */
export const publicMode = 0o644;

/**
 * Writes a file whole or not at all: beside its place, synced, then renamed.
 *
 * @throws FairleadError CERTIFICATE_FILE that names the file
 */
export function writeFileAtomic(file: string, content: string, mode: number): void {
  const beside = `${file}.${process.pid}.new`;
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    const descriptor = openSync(beside, "w", mode);
    try {
      writeSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    // A file that was there keeps its mode across an open.
    chmodSync(beside, mode);
    renameSync(beside, file);
    syncFolder(path.dirname(file));
  } catch (cause) {
    throw new FairleadError("CERTIFICATE_FILE", { subject: file, cause });
  }
}

/** @returns undefined where there is no such file @throws FairleadError CERTIFICATE_FILE */
export function readFileIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new FairleadError("CERTIFICATE_FILE", { subject: file, cause });
  }
}

/** The rename itself is on disk once the folder is. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
