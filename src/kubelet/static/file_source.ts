/** staticPodPath: the pods of a file, or of each file of a folder (pkg/kubelet/config/file.go). */
import { watch, type FSWatcher } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Pod } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { timestamp } from "../../model/timestamp.ts";
import { Periodic } from "../../reconcile/periodic.ts";

export interface SourceOptions {
  readonly nodeName: string;
  readonly clock: Clock;
  /** Between two looks at what nothing was heard of, in ms. */
  readonly periodMs: number;
  /** All pods that the source has now. */
  readonly onPods: (pods: readonly Pod[]) => void;
  readonly onError: (attempted: string, error: unknown) => void;
}

/** An editor writes in several steps: they are read once, after this many ms. */
const settleMs = 50;
/** Bytes of a manifest (maxConfigLength). */
const maxBytes = 10 << 20;

interface Known {
  readonly pod: Pod | undefined;
  readonly text: string;
}

export class FileSource {
  readonly #place: string;
  readonly #options: SourceOptions;
  #known = new Map<string, Known>();
  #watcher: FSWatcher | undefined;
  readonly #loop: Periodic;

  constructor(place: string, options: SourceOptions) {
    this.#place = path.resolve(place);
    this.#options = options;
    this.#loop = new Periodic(options.clock, () => this.#look());
  }

  start(): void {
    void this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
    this.#watcher?.close();
  }

  async #look(): Promise<number> {
    this.#watch();
    try {
      await this.#read();
    } catch (error) {
      this.#options.onError(`read static pods of ${this.#place}`, error);
    }
    return this.#options.periodMs;
  }

  /** inotify where the path is there; what is not there yet is looked for again and again. */
  #watch(): void {
    if (this.#watcher || this.#loop.isStopped) return;
    try {
      // The folder of a single file too: who writes it anew puts another in its place.
      const watcher = watch(this.#place, { persistent: false }, (event) => {
        if (event === "rename" && this.#isSingle) this.#unwatch();
        this.#loop.soon(settleMs);
      });
      watcher.on("error", () => this.#unwatch());
      this.#watcher = watcher;
    } catch {
      this.#watcher = undefined;
    }
  }

  #isSingle = false;

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  async #read(): Promise<void> {
    const { onPods } = this.#options;
    const found = await stat(this.#place).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return undefined;
    });
    if (!found) this.#unwatch();
    this.#isSingle = found?.isFile() ?? false;
    const files = found?.isDirectory() ? await this.#files() : found ? [this.#place] : [];
    const known = new Map<string, Known>();
    for (const file of files) {
      const one = await this.#manifest(file);
      if (one) known.set(file, one);
    }
    this.#known = known;
    if (!this.#loop.isStopped) onPods([...known.values()].flatMap(({ pod }) => (pod ? [pod] : [])));
  }

  /** In their order, without those that hide. */
  async #files(): Promise<readonly string[]> {
    const names = (await readdir(this.#place)).filter((name) => !name.startsWith(".")).sort();
    return names.map((name) => path.join(this.#place, name));
  }

  /** A bad file is told of once, with its name, and stops nothing. */
  async #manifest(file: string): Promise<Known | undefined> {
    const { nodeName, clock, onError } = this.#options;
    const before = this.#known.get(file);
    try {
      const { size, ...found } = await stat(file).then((one) => ({ size: one.size, isFile: one.isFile() }));
      if (!found.isFile) return undefined;
      if (size > maxBytes) throw new Error(`${file}: more than ${maxBytes} bytes`);
      const text = await readFile(file, "utf8");
      if (before?.text === text) return before;
      const { podOfFile } = await import("./manifest.ts");
      try {
        const origin = { kind: "file" as const, place: file, nodeName, seen: timestamp(clock.now()) };
        return { text, pod: podOfFile(text, origin) };
      } catch (error) {
        onError("process a manifest file", error);
        return { text, pod: undefined };
      }
    } catch (error) {
      // Removed between the look at the folder and this one.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      onError("process a manifest file", error);
      // What cannot be read now is as it was.
      return before;
    }
  }
}
