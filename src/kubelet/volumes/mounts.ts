/** Mounts that the kubelet makes below its own folder, and their end: always by what mountinfo shows. */
import { execFile } from "node:child_process";
import { readFile, realpath, rm, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { FairleadError } from "../../errors/catalogue.ts";

const execute = promisify(execFile);
/** Runs `mount` or `umount` to its end, within {@link programTimeoutMs}. @throws where it fails */
export type RunProgram = (argv: readonly [string, ...string[]]) => Promise<void>;

export const programTimeoutMs = 20_000;

/** Node's own way forks, which for a big process takes longer than the program does. */
export const runByFork: RunProgram = async ([program, ...args]) => {
  await execute(program, args, { timeout: programTimeoutMs });
};

/** Mount points at or below a folder, deepest first. */
export async function mountPointsBelow(folder: string): Promise<readonly string[]> {
  const table = await readFile("/proc/self/mountinfo", "utf8");
  const points = table.split("\n").map((line) => unescape(line.split(" ")[4] ?? ""));
  return points
    .filter((point) => point === folder || point.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length);
}

/** Blanks and the like are octal there (proc_pid_mountinfo(5)). */
function unescape(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

/** A tmpfs has a number of its own. Not by mountinfo: on a node with many pods that is long, and is read for each volume. */
async function isMounted(folder: string): Promise<boolean> {
  const [own, above] = await Promise.all([stat(folder), stat(path.dirname(folder))]);
  return own.dev !== above.dev;
}

/** @param sizeBytes undefined: the kernel's half of the memory @returns whether it was not there yet */
export async function mountTmpfs(folder: string, sizeBytes?: number, run = runByFork): Promise<boolean> {
  if (await isMounted(folder)) return false;
  const options = sizeBytes === undefined ? [] : ["-o", `size=${sizeBytes}`];
  try {
    await run(["mount", "-t", "tmpfs", ...options, "tmpfs", folder]);
    return true;
  } catch (cause) {
    throw new FairleadError("VOLUME", { subject: folder, cause });
  }
}

/** Unmounts all at and below the folder. @throws FairleadError VOLUME where something is left */
export async function unmountBelow(folder: string, run = runByFork): Promise<void> {
  for (const point of await mountPointsBelow(folder)) {
    await run(["umount", point]).catch(() =>
      // Busy: it goes from sight now, and wholly when the last user ends.
      run(["umount", "--lazy", point]).catch(() => undefined),
    );
  }
  const left = await mountPointsBelow(folder);
  if (left.length > 0) throw new FairleadError("VOLUME", { subject: folder, reason: `${left[0]!} is still mounted` });
}

/** Removes a folder with all that is in it; one that is not there is gone. @throws FairleadError VOLUME where anything is mounted there */
export async function removeUnmounted(folder: string): Promise<void> {
  const real = await realpath(folder).catch(() => folder);
  const [point] = await mountPointsBelow(real);
  if (point !== undefined) throw new FairleadError("VOLUME", { subject: folder, reason: `${point} is mounted there` });
  await rm(folder, { recursive: true, force: true });
}
