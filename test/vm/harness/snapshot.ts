/**
 * A booted guest, saved to a file: starting from it takes half a second instead of ten.
 *
 * It is taken before anything of the host is mounted, so it depends on the machine alone: its key is the hash of
 * qemu's version and command line and of the image.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openConsole } from "./console.ts";
import { VmError } from "./error.ts";
import type { Image } from "./image.ts";
import { keepNewest, touch } from "./keep_newest.ts";
import { withLock } from "./lock.ts";
import type { Machine } from "./machine.ts";
import { qemuArguments, type QemuFiles } from "./qemu_arguments.ts";
import { startQemu, type Qemu } from "./qemu.ts";
import { quote } from "./quote.ts";
import { runTool } from "./tool.ts";
import { createWorkdir, removeWorkdir } from "./workdir.ts";

/** Generous: a cold boot takes 6 s on an idle machine. */
export const bootTimeoutMs = 180_000;
const saveTimeoutMs = 60_000;

export interface Snapshot {
  readonly file: string;
  /** Whether this call made it. */
  readonly isNew: boolean;
}

export async function ensureSnapshot(machine: Machine, image: Image): Promise<Snapshot> {
  const file = path.join(image.directory, `snapshot-${await keyOf(machine, image)}`);
  if (isComplete(file)) {
    touch(file);
    return { file, isNew: false };
  }
  await withLock(path.join(image.directory, "lock"), async () => {
    if (!isComplete(file)) await takeSnapshot(machine, image, file);
  });
  return { file, isNew: true };
}

export function discardSnapshot(file: string): void {
  rmSync(sizeFile(file), { force: true });
  rmSync(file, { force: true });
}

async function keyOf(machine: Machine, image: Image): Promise<string> {
  const qemu = await runTool("QEMU", "qemu-system-x86_64", ["--version"]);
  const args = qemuArguments(machine, image, { share: "", kernelLog: "" }, "boot");
  return createHash("sha256")
    .update(JSON.stringify([qemu, args]))
    .digest("hex")
    .slice(0, 16);
}

/** The size beside a snapshot is written last, so a file cut short (a full disk, a lost machine) is noticed. */
function isComplete(file: string): boolean {
  if (!existsSync(file) || !existsSync(sizeFile(file))) return false;
  return Number(readFileSync(sizeFile(file), "utf8")) === statSync(file).size;
}

const sizeFile = (file: string) => `${file}.size`;

async function takeSnapshot(machine: Machine, image: Image, file: string): Promise<void> {
  const share = createWorkdir();
  const part = `${file}.part`;
  const files: QemuFiles = { share, kernelLog: path.join(share, "kernel.log") };
  const qemu = startQemu(qemuArguments(machine, image, files, "boot"));
  try {
    await openConsole(qemu).heard("ready", bootTimeoutMs);
    // Until the guest has come to rest in its read.
    await sleep(300);
    await save(qemu, part);
    renameSync(part, file);
    writeFileSync(sizeFile(file), `${statSync(file).size}`);
  } finally {
    await qemu.kill();
    rmSync(part, { force: true });
    removeWorkdir(share);
  }
  keepNewest(path.dirname(file), /^snapshot-[0-9a-f]+$/, discardSnapshot);
}

async function save(qemu: Qemu, file: string): Promise<void> {
  rmSync(file, { force: true });
  let answer = "";
  qemu.monitor.setEncoding("utf8").on("data", (text: string) => (answer += text));
  qemu.monitor.write("migrate_set_parameter max-bandwidth 100G\n");
  qemu.monitor.write(`migrate "exec:cat >${quote(file)}"\nquit\n`);
  const inTime = await Promise.race([qemu.ended, sleep(saveTimeoutMs, undefined, { ref: false })]);
  if (inTime === undefined || answer.includes("Error") || !existsSync(file)) {
    throw new VmError("QEMU", `cannot save the booted guest to ${file} (is the disk full?); qemu said: ${answer}`);
  }
}
