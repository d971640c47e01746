/** The guest's kernel and initial RAM disk, made once per kernel package and kept in the cache. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { keepNewest, touch } from "./keep_newest.ts";
import { withLock } from "./lock.ts";
import type { KernelSeries } from "./machine.ts";
import { cacheRoot, imageSources } from "./paths.ts";
import { runTool } from "./tool.ts";

export interface Image {
  /** Debian's package, as "linux-image-6.12.117+deb12-amd64-unsigned". */
  readonly package: string;
  /** Kernel version as `uname -r` prints it. */
  readonly version: string;
  readonly vmlinuz: string;
  readonly initrd: string;
  /** The kernel's modules, to mount at /lib/modules/VERSION. */
  readonly modules: string;
  /** Where snapshots of this image are. */
  readonly directory: string;
}

export async function ensureImage(series: KernelSeries): Promise<Image> {
  const name = newestCached(series) ?? (await fetchKernel(series));
  const directory = path.join(cacheRoot(), name);
  const kernel = path.join(directory, "kernel");
  const version = readFileSync(path.join(kernel, "version"), "utf8").trim();
  const image: Image = {
    package: name,
    version,
    vmlinuz: path.join(kernel, "vmlinuz"),
    initrd: path.join(directory, `initrd-${initrdKey()}`),
    modules: path.join(kernel, "lib/modules", version),
    directory,
  };
  if (!existsSync(image.initrd)) await withLock(path.join(directory, "lock"), () => buildInitrd(kernel, image.initrd));
  touch(image.initrd);
  return image;
}

/** Tests use what the cache has, so that they run without a network; `scripts/setup.d/vm` fetches what is newer. */
function newestCached(series: KernelSeries): string | undefined {
  mkdirSync(cacheRoot(), { recursive: true });
  const byVersion = new Intl.Collator("en", { numeric: true });
  return readdirSync(cacheRoot())
    .filter((name) => name.startsWith(`linux-image-${series}.`))
    .filter((name) => existsSync(path.join(cacheRoot(), name, "kernel")))
    .sort(byVersion.compare)
    .at(-1);
}

async function fetchKernel(series: KernelSeries): Promise<string> {
  return runTool("KERNEL", path.join(imageSources, "fetch-kernel.sh"), [series, cacheRoot()]);
}

const initrdSources = ["build-initrd.sh", "modules.txt", "init.sh"] as const;

function initrdKey(): string {
  const hash = createHash("sha256");
  for (const file of initrdSources) hash.update(readFileSync(path.join(imageSources, file)));
  return hash.digest("hex").slice(0, 16);
}

async function buildInitrd(kernel: string, initrd: string): Promise<void> {
  if (existsSync(initrd)) return;
  const [build, modules, init] = initrdSources.map((file) => path.join(imageSources, file)) as [string, string, string];
  await runTool("IMAGE", build, [kernel, modules, init, initrd]);
  keepNewest(path.dirname(initrd), /^initrd-[0-9a-f]+$/);
}
