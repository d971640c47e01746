/** What has to stay as it is for `up` to sleep on: what the supervisor goes by, as lines that a tiny program understands. */
import { stat } from "node:fs/promises";
import path from "node:path";
import type { UpContext } from "./context.ts";
import { isThere } from "../files/whole.ts";
import { partFiles, partNames, stoppedFile } from "./instance.ts";
import { existingNodes } from "./nodes/further.ts";
import { partsOf } from "./settings.ts";

/** Beyond it a part's log is begun anew. */
export const mostLogBytes = 20 << 20;

/** A line of native/watcher/main.cc: what must hold, by which value, of which file. */
interface Note {
  readonly holds: "runs" | "same" | "at-most";
  readonly value: string;
  readonly file: string;
}

/** Taken before a look, what changes during it still differs from it. */
export async function takeNotes(context: UpContext): Promise<string> {
  // First, for a node that comes meanwhile.
  const nodes = await sameAsNow(path.join(context.instance.dataDir, "nodes"));
  const all = [context, ...(await existingNodes(context)).map((node) => node.context)];
  const notes = [nodes, ...(await Promise.all(all.map(notesOf))).flat()];
  return notes.map(({ holds, value, file }) => `${holds} ${value} ${file}\n`).join("");
}

async function notesOf({ instance, settings }: UpContext): Promise<readonly Note[]> {
  const [stopped, ours] = [stoppedFile(instance), instance.settingsFile];
  const marks = await Promise.all([stopped, ours].map(sameAsNow));
  const isLookedAfter = !(await isThere(stopped)) && (await isThere(ours));
  const parts = isLookedAfter ? partsOf(settings) : [];
  return [
    ...marks,
    ...parts.map((part): Note => ({ holds: "runs", value: "-", file: partFiles(instance, part).pid })),
    ...partNames.map((part): Note => ({
      holds: "at-most",
      value: String(mostLogBytes),
      file: partFiles(instance, part).log,
    })),
  ];
}

async function sameAsNow(file: string): Promise<Note> {
  const value = await stat(file, { bigint: true }).then(
    ({ mtimeNs }) => String(mtimeNs),
    () => "-",
  );
  return { holds: "same", value, file };
}
