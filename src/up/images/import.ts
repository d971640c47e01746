/** Images without a registry: archives, and folders that are made one, handed to containerd. */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { FairleadError } from "../../errors/catalogue.ts";
import {
  configType,
  layerType,
  layoutFile,
  manifestType,
  normalizedName,
  renderImage,
  renderIndex,
  renderManifest,
  type Blob,
  type ImageConfig,
} from "./render.ts";

const run = promisify(execFile);
/** Of an archive of gigabytes, unpacked on a slow disk. */
const importTimeoutMs = 600_000;
const shortTimeoutMs = 20_000;

export interface ImageStore {
  /** `unix:///…` */
  readonly endpoint: string;
}

export interface RootfsImage {
  readonly folder: string;
  /** Of its files those that are in the image; default: all. */
  readonly files?: readonly string[];
  readonly name: string;
  readonly config: ImageConfig;
}

export async function imageNames(store: ImageStore): Promise<readonly string[]> {
  const { stdout } = await run("ctr", [...place(store), "images", "ls", "-q"], { timeout: shortTimeoutMs });
  return stdout.split("\n").filter((name) => name !== "" && !name.startsWith("sha256:"));
}

/** @returns names of what was imported @throws FairleadError IMAGE_IMPORT */
export async function importArchive(store: ImageStore, archive: string, name?: string): Promise<readonly string[]> {
  const base = name === undefined ? [] : ["--base-name", normalizedName(name).replace(/:[^:/]*$/, "")];
  return attempt(archive, async () => named(await ctrImport(store, [...base, archive])));
}

/** @returns its whole name @throws FairleadError IMAGE_IMPORT */
export async function importRootfs(store: ImageStore, image: RootfsImage, scratch = os.tmpdir()): Promise<string> {
  const name = normalizedName(image.name);
  await attempt(name, async () => {
    await mkdir(scratch, { recursive: true });
    const folder = await mkdtemp(path.join(scratch, "image-"));
    try {
      await writeLayout(folder, { ...image, name });
      const tar = spawn("tar", ["-C", folder, "-cf", "-", "."], { stdio: ["ignore", "pipe", "ignore"] });
      await ctrImport(store, ["-"], tar.stdout);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
  return name;
}

async function writeLayout(folder: string, { folder: root, files = ["."], config, name }: RootfsImage): Promise<void> {
  const blobs = path.join(folder, "blobs/sha256");
  await mkdir(blobs, { recursive: true });
  const layerFile = path.join(folder, "layer.tar");
  // The same files make the same layer, whenever and wherever.
  const stable = ["--sort=name", "--mtime=@0", "--numeric-owner"];
  const owner = files[0] === "." ? [] : ["--owner=0", "--group=0"];
  await run("tar", [...stable, ...owner, "-C", root, "-cf", layerFile, ...files], { timeout: importTimeoutMs });
  const layer = { mediaType: layerType, digest: await digestOf(layerFile), size: (await stat(layerFile)).size };
  await rename(layerFile, path.join(blobs, layer.digest.slice("sha256:".length)));
  const put = async (text: string, mediaType: string): Promise<Blob> => {
    const digest = createHash("sha256").update(text).digest("hex");
    await writeFile(path.join(blobs, digest), text);
    return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
  };
  const architecture = { x64: "amd64" }[os.arch()] ?? os.arch();
  const image = await put(renderImage(config, architecture, layer), configType);
  const manifest = await put(renderManifest(image, layer), manifestType);
  await writeFile(path.join(folder, "index.json"), renderIndex(manifest, name, architecture));
  await writeFile(path.join(folder, "oci-layout"), layoutFile);
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return `sha256:${hash.digest("hex")}`;
}

/** @returns what ctr said */
async function ctrImport(store: ImageStore, args: readonly string[], input?: NodeJS.ReadableStream): Promise<string> {
  const child = spawn("ctr", [...place(store), "images", "import", ...args], {
    stdio: [input ? "pipe" : "ignore", "pipe", "pipe"],
    timeout: importTimeoutMs,
  });
  let said = "";
  for (const out of [child.stdout, child.stderr]) out?.on("data", (part: Buffer) => (said += part.toString()));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  // A ctr that ends early says why itself.
  if (input && child.stdin) await pipeline(input, child.stdin).catch(() => undefined);
  if ((await ended) !== 0) throw new Error(said.trim().split("\n").at(-1) ?? "ctr failed");
  return said;
}

/** "unpacking docker.io/library/web:1 (sha256:…)...done" */
function named(said: string): readonly string[] {
  return [...said.matchAll(/^unpacking (\S+) \(/gm)].map(([, name]) => name!);
}

function place({ endpoint }: ImageStore): readonly string[] {
  return ["--address", endpoint.replace(/^unix:\/\//, ""), "--namespace", "k8s.io"];
}

async function attempt<T>(subject: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const reason = isAbsent ? `${(cause as NodeJS.ErrnoException).path ?? "a program"} is not there` : undefined;
    throw new FairleadError("IMAGE_IMPORT", { subject, cause, ...(reason === undefined ? {} : { reason }) });
  }
}
