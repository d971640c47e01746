/** The images that come with Fairlead, from the static programs that its build makes. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { writeWhole } from "../../files/whole.ts";
import type { Instance } from "../instance.ts";
import { imageNames, importRootfs, type ImageStore, type RootfsImage } from "./import.ts";

export const pauseImage = "localhost/fairlead/pause:1";
export const echoImages = ["localhost/fairlead/echo:v1", "localhost/fairlead/echo:v2"] as const;

/** @param folder in which the programs are */
function ownImages(folder: string): readonly RootfsImage[] {
  const echo = echoImages.map((name, i) => ({
    folder,
    files: ["echo"],
    name,
    config: {
      Entrypoint: ["/echo"],
      Env: ["PATH=/", `VERSION=v${i + 1}`],
      User: "65534:65534",
      ExposedPorts: { "8080/tcp": {} },
    },
  }));
  return [{ folder, files: ["pause"], name: pauseImage, config: { Entrypoint: ["/pause"] } }, ...echo];
}

/** Imports those that are not there yet, or were built anew since. @returns how many */
export async function importOwnImages(instance: Instance, store: ImageStore, folder: string): Promise<number> {
  const stampFile = path.join(instance.dataDir, "containerd/images.stamp");
  const [stamp, before, there] = await Promise.all([
    stampOf(folder),
    readFile(stampFile, "utf8").catch(() => ""),
    imageNames(store),
  ]);
  const isFresh = before === stamp;
  const due = ownImages(folder).filter(({ name }) => !isFresh || !there.includes(name));
  await Promise.all(due.map((image) => importRootfs(store, image, path.join(instance.dataDir, "tmp"))));
  if (!isFresh) await writeWhole(stampFile, stamp);
  return due.length;
}

async function stampOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of ["pause", "echo"]) hash.update(await readFile(path.join(folder, name)));
  return hash.update(JSON.stringify(ownImages(""))).digest("hex");
}
