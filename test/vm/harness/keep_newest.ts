import { readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import path from "node:path";

/** Marks a file of the cache as used now, for {@link keepNewest}. */
export function touch(file: string): void {
  const now = new Date();
  utimesSync(file, now, now);
}

/**
 * Removes all but the most recently used files of a kind. What is cached changes its name with every edit of what it
 * is made from; a few are kept, because checkouts and machines of several kinds share one cache.
 */
export function keepNewest(directory: string, kind: RegExp, remove = (file: string) => rmSync(file)): void {
  const keptFiles = 4;
  readdirSync(directory)
    .filter((name) => kind.test(name))
    .map((name) => path.join(directory, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    .slice(keptFiles)
    .forEach(remove);
}
