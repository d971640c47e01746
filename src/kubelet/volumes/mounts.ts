/** Mounts that the kubelet makes below its own folder, and their end: always by what mountinfo shows. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { FairleadError } from "../../errors/catalogue.ts";

const run = promisify(execFile);
const timeoutMs = 20_000;

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

/** @param sizeBytes undefined: the kernel's half of the memory @returns whether it was not there yet */
export async function mountTmpfs(folder: string, sizeBytes?: number): Promise<boolean> {
  if ((await mountPointsBelow(folder)).includes(folder)) return false;
  const options = sizeBytes === undefined ? [] : ["-o", `size=${sizeBytes}`];
  try {
    await run("mount", ["-t", "tmpfs", ...options, "tmpfs", folder], { timeout: timeoutMs });
    return true;
  } catch (cause) {
    throw new FairleadError("VOLUME", { subject: folder, cause });
  }
}

/** Unmounts all at and below the folder. @throws FairleadError VOLUME where something is left */
export async function unmountBelow(folder: string): Promise<void> {
  for (const point of await mountPointsBelow(folder)) {
    await run("umount", [point], { timeout: timeoutMs }).catch(() =>
      // Busy: it goes from sight now, and wholly when the last user ends.
      run("umount", ["--lazy", point], { timeout: timeoutMs }).catch(() => undefined),
    );
  }
  const left = await mountPointsBelow(folder);
  if (left.length > 0) throw new FairleadError("VOLUME", { subject: folder, reason: `${left[0]!} is still mounted` });
}
