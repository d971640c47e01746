/** What has to be on disk before anything of an instance is started. */
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { UpContext } from "./context.ts";
import { writeWhole } from "../files/whole.ts";
import type { Instance } from "./instance.ts";
import { renderNodeConfig } from "./render.ts";
import { writeSettings } from "./settings.ts";

export async function prepareInstance({ instance, settings, programs }: UpContext): Promise<void> {
  for (const folder of [instance.dataDir, instance.podLogDir, instance.cni.confDir, instance.cni.binDir]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  // Before anything runs: `down` has to know what to take away.
  await writeSettings(instance, settings);
  for (const plugin of ["fairlead-cni", "loopback"])
    await putPlugin(path.join(programs.cni, plugin), instance.cni.binDir);
  await writeWhole(instance.node.config, renderNodeConfig(instance, settings), 0o600);
}

/** Process numbers and the runtime's state are of one boot; /run is not a file system in memory everywhere. */
export async function forgetLastBoot({ runDir }: Instance): Promise<void> {
  const file = path.join(runDir, "boot-id");
  const [now, then] = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    readFile(file, "utf8").catch(() => undefined),
  ]);
  if (then === now) return;
  if (then !== undefined) await rm(runDir, { recursive: true, force: true });
  await mkdir(runDir, { recursive: true, mode: 0o755 });
  await writeFile(file, now);
}

async function putPlugin(from: string, binDir: string): Promise<void> {
  const to = path.join(binDir, path.basename(from));
  await copyFile(from, `${to}.new`);
  // A runtime may be running the one that is there.
  await rename(`${to}.new`, to);
}
