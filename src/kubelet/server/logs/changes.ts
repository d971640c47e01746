/** Waits until something happens to one file: written to, renamed, made anew (inotify on its folder). */
import { watch, type FSWatcher } from "node:fs";
import path from "node:path";

export class FileChanges {
  readonly #watcher: FSWatcher | undefined;
  readonly #name: string;
  #hasChanged = false;
  #wake: (() => void) | undefined;

  constructor(file: string) {
    this.#name = path.basename(file);
    try {
      this.#watcher = watch(path.dirname(file), { persistent: false }, (_type, name) => {
        if (name === null || name === this.#name) this.#changed();
      });
      this.#watcher.on("error", () => this.#changed());
    } catch {
      // No watch is left to be had (fs.inotify.max_user_watches): then the bound of each wait is what it goes by.
      this.#watcher = undefined;
    }
  }

  /** Resolves at a change since the last call, or after this time in ms, or when it is called off. */
  async next(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasChanged && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        const done = (): void => {
          clearTimeout(timer);
          resolve();
        };
        this.#wake = done;
        signal.addEventListener("abort", done, { once: true });
        timer.unref();
      }).finally(() => (this.#wake = undefined));
    }
    this.#hasChanged = false;
  }

  close(): void {
    this.#watcher?.close();
  }

  #changed(): void {
    this.#hasChanged = true;
    this.#wake?.();
  }
}
