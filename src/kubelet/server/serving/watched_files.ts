/** Files that are read again when they change, however they are replaced (links of mounted Secrets too). */
import { watch, type FSWatcher } from "node:fs";
import path from "node:path";

/** What is written in several steps is read once they are done, in ms. */
const settleMs = 100;
/** And now and then all the same: not every file system tells of changes, in ms. */
const pollMs = 60_000;

export class WatchedFiles {
  readonly #watchers: FSWatcher[] = [];
  readonly #poll: NodeJS.Timeout;
  #settle: NodeJS.Timeout | undefined;

  constructor(files: readonly string[], onChange: () => void) {
    const changed = (): void => {
      clearTimeout(this.#settle);
      this.#settle = setTimeout(onChange, settleMs);
      this.#settle.unref();
    };
    for (const folder of new Set(files.map((file) => path.dirname(file)))) {
      try {
        this.#watchers.push(watch(folder, { persistent: false }, changed).on("error", () => undefined));
      } catch {
        // The poll finds it.
      }
    }
    this.#poll = setInterval(onChange, pollMs);
    this.#poll.unref();
  }

  stop(): void {
    for (const watcher of this.#watchers) watcher.close();
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
  }
}
