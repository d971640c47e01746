/**
 * subPath: a part of a volume, as a mount of its own. What a container may change in the volume while it is looked up
 * leads nowhere: every step is made from the descriptor of the folder before it and follows no link, and what is mounted is
 * the descriptor (CVE-2017-1002101, CVE-2021-25741; pkg/volume/util/subpath/subpath_linux.go).
 */
import { chmod, mkdir, open, realpath, writeFile, type FileHandle } from "node:fs/promises";
import { constants } from "node:fs";
import path from "node:path";
import { FairleadError } from "../../errors/catalogue.ts";
import { runByFork, unmountBelow, type RunProgram } from "./mounts.ts";

/** Of the kernel on every architecture that this runs on; node does not name it. */
const openPath = 0o10000000;
const flags = openPath | constants.O_NOFOLLOW;

export interface SubPath {
  /** The volume's path on the node. */
  readonly volume: string;
  readonly below: string;
  /** Where it is mounted: nothing else is there. */
  readonly target: string;
}

/** A path that is not there is made, as folders. @throws Error with upstream's words */
export async function mountSubPath({ volume, below, target }: SubPath, run = runByFork): Promise<void> {
  if (path.isAbsolute(below)) throw new Error(`subPath "${below}" must be relative`);
  if (below.split("/").includes("..")) throw new Error(`subPath "${below}" must not contain ".."`);
  const found = await openWithin(volume, below);
  try {
    const isFolder = (await found.stat()).isDirectory();
    await makeTarget(target, isFolder, run);
    // Not by its name, which may be another's by now: by this process's descriptor.
    const source = `/proc/${process.pid}/fd/${found.fd}`;
    await run(["mount", "--no-canonicalize", "--bind", source, target]);
  } catch (cause) {
    throw cause instanceof FairleadError ? cause : new FairleadError("VOLUME", { subject: target, cause });
  } finally {
    await found.close();
  }
}

/** A descriptor of the path; it is the caller's to close. */
async function openWithin(volume: string, below: string): Promise<FileHandle> {
  const base = await realpath(volume);
  const parts = await resolved(base, below);
  let at = await open(base, openPath | constants.O_DIRECTORY);
  const { mode } = await at.stat();
  try {
    for (const part of parts) {
      const next = await step(at, part, mode & 0o7777);
      await at.close();
      at = next;
    }
    return at;
  } catch (error) {
    await at.close();
    throw error;
  }
}

/** Where links within the volume lead, as far as the path is there. The walk trusts nothing of it. */
async function resolved(base: string, below: string): Promise<readonly string[]> {
  const parts = below.split("/").filter((part) => part !== "" && part !== ".");
  for (let known = parts.length; known >= 0; known--) {
    const real = await realpath(path.join(base, ...parts.slice(0, known))).catch(() => undefined);
    if (real === undefined) continue;
    if (real !== base && !real.startsWith(base === "/" ? "/" : `${base}/`)) throw escape(below);
    const rest = real.slice(base.length).split("/");
    return [...rest, ...parts.slice(known)].filter((part) => part !== "");
  }
  return parts;
}

async function step(folder: FileHandle, name: string, mode: number): Promise<FileHandle> {
  const inside = `/proc/self/fd/${folder.fd}/${name}`;
  const next = await open(inside, flags).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    // Another mount of the pod may have made it.
    await mkdir(inside).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "EEXIST") throw cause;
    });
    const made = await open(inside, flags | constants.O_DIRECTORY);
    // Not by the process's umask: as the volume's own folder is.
    await chmod(`/proc/self/fd/${made.fd}`, mode).catch(async (cause: unknown) => {
      await made.close();
      throw cause;
    });
    return made;
  });
  if (!(await next.stat()).isSymbolicLink()) return next;
  await next.close();
  throw escape(name);
}

function escape(below: string): Error {
  return new Error(`subPath "${below}" leads out of its volume: a link is there`);
}

/** What an earlier container had there goes: it has its own. */
async function makeTarget(target: string, isFolder: boolean, run: RunProgram): Promise<void> {
  await unmountBelow(target, run);
  if (isFolder) return void (await mkdir(target, { recursive: true, mode: 0o750 }));
  await mkdir(path.dirname(target), { recursive: true, mode: 0o750 });
  await writeFile(target, "", { mode: 0o640 });
}
