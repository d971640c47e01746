/**
 * The plugin's files on a node: the binary in the runtime's folder of plugins, and the network's configuration list.
 * Each appears whole or not at all, and what is somebody else's stays as it is.
 */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { FairleadError } from "../src/errors/catalogue.ts";
import { writeWhole } from "../src/files/whole.ts";
import { isOurs, pluginType } from "./conflist.ts";

export const defaultBinDir = "/opt/cni/bin";
export const defaultConfDir = "/etc/cni/net.d";
/** Runtimes take the first of the folder, by name; 10 is where networks put theirs, and before it is room for an admin's. */
export const defaultConflistName = "10-fairlead.conflist";
/** Beside the binary, where the plugin runs without an agent. */
export const standaloneName = `${pluginType}-standalone`;

/** What each of our programs has in it, and a stranger's of the same name has not. */
const markers: Readonly<Record<string, string>> = {
  [pluginType]: "fairlead-cni: a CNI plugin",
  [standaloneName]: "# fairlead-cni without an agent",
};

// ── Programs ──────────────────────────────────────────────────────────────────────────────────────────────────

/** @returns where it is now. @throws FairleadError CNI_INSTALL */
export function installBinary(source: string, binDir: string): Promise<string> {
  return put(path.join(binDir, pluginType), 0o755, () => readFile(source));
}

/** A program that runs `entry` with this node, for configurations with `standalone`. @throws FairleadError CNI_INSTALL */
export function installStandalone(node: string, entry: string, binDir: string): Promise<string> {
  const quoted = [node, entry].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ");
  const script = `#!/bin/sh\n${markers[standaloneName]}: made by 'fairlead cni install'\nexec ${quoted}\n`;
  return put(path.join(binDir, standaloneName), 0o755, () => script);
}

/** Removes our programs. @returns what was removed */
export async function uninstallPrograms(binDir: string): Promise<string[]> {
  const files = Object.keys(markers).map((name) => path.join(binDir, name));
  return (await Promise.all(files.map(async (file) => ((await removeOurs(file)) ? [file] : [])))).flat();
}

// ── The configuration list ────────────────────────────────────────────────────────────────────────────────────

/**
 * Writes the list, where it is not there as it should be. Call it when pods can be given their network, and not before:
 * its presence is what makes a runtime say that the network is ready.
 *
 * @returns whether it was written
 * @throws FairleadError CNI_INSTALL
 */
export async function writeConflist(confDir: string, text: string, name = defaultConflistName): Promise<boolean> {
  const file = path.join(confDir, name);
  if ((await contentOf(file)) === text) return false;
  await put(file, 0o600, () => text);
  return true;
}

/** Removes the list if it is ours. @returns whether there was one */
export function removeConflist(confDir: string, name = defaultConflistName): Promise<boolean> {
  return removeOurs(path.join(confDir, name));
}

/** Lists that a runtime takes before ours: ours is not in use while one of them is there. */
export async function listsBefore(confDir: string, name = defaultConflistName): Promise<string[]> {
  const names = await readdir(confDir).catch(absent);
  return (names ?? []).filter((other) => /\.(conf|conflist|json)$/.test(other) && other < name).sort();
}

// ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Until it is whole it has a name that no runtime reads. */
async function put(file: string, mode: number, read: () => string | Promise<Uint8Array>): Promise<string> {
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o755 });
    const there = await contentOf(file);
    if (there !== undefined && !isOurFile(file, there)) throw new Error("a file of somebody else's is there");
    await writeWhole(file, await read(), mode);
    return file;
  } catch (cause) {
    throw new FairleadError("CNI_INSTALL", { subject: file, cause });
  }
}

async function removeOurs(file: string): Promise<boolean> {
  const text = await contentOf(file);
  if (text === undefined || !isOurFile(file, text)) return false;
  await rm(file, { force: true });
  return true;
}

function isOurFile(file: string, text: string): boolean {
  const marker = markers[path.basename(file)];
  return marker === undefined ? isOurs(text) : text.includes(marker);
}

async function contentOf(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(absent);
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}
