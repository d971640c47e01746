/**
 * When the last graceful shutdown began and ended: who asks for it comes behind it, so that it is kept in upstream's file
 * (pkg/kubelet/nodeshutdown, storage.go).
 */
import { readFile } from "node:fs/promises";
import { writeWhole } from "../../files/whole.ts";
import type { NodeMetrics } from "../node/metrics.ts";

interface State {
  readonly startTime?: string;
  readonly endTime?: string;
}

export class ShutdownTimes {
  readonly #file: string;
  readonly #metrics: Pick<NodeMetrics, "shutDown">;
  readonly #onError: (attempted: string, error: unknown) => void;
  #state: State = {};
  /** One behind another, so that the file has the last. */
  #writing: Promise<void> = Promise.resolve();

  /** @param file `graceful_node_shutdown_state` in the root folder */
  constructor(
    file: string,
    metrics: Pick<NodeMetrics, "shutDown">,
    onError: (attempted: string, error: unknown) => void,
  ) {
    this.#file = file;
    this.#metrics = metrics;
    this.#onError = onError;
  }

  async load(): Promise<void> {
    const text = await readFile(this.#file, "utf8").catch(() => "{}");
    try {
      this.#state = JSON.parse(text) as State;
      this.#tell();
    } catch (error) {
      this.#onError("read when the last shutdown was", error);
    }
  }

  began(nowMs: number): Promise<void> {
    return this.#put({ startTime: new Date(nowMs).toISOString() });
  }

  ended(nowMs: number): Promise<void> {
    return this.#put({ ...this.#state, endTime: new Date(nowMs).toISOString() });
  }

  #put(state: State): Promise<void> {
    this.#state = state;
    this.#tell();
    this.#writing = this.#writing.then(async () => {
      await writeWhole(this.#file, JSON.stringify(state)).catch((error: unknown) =>
        this.#onError("note when the shutdown was", error),
      );
    });
    return this.#writing;
  }

  #tell(): void {
    this.#metrics.shutDown(secondsOf(this.#state.startTime), secondsOf(this.#state.endTime));
  }
}

function secondsOf(time: string | undefined): number {
  const ms = Date.parse(time ?? "");
  return Number.isNaN(ms) ? 0 : ms / 1000;
}
