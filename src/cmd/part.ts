/** A part of the node agent as something that is started and stopped: alone in a process, or beside the others. */

export interface RunningPart {
  /** Resolves when it does its work; rejects where it cannot begin. */
  readonly ready: Promise<void>;
  /** Resolves when everything of it in this process is closed. What it has programmed, and pods, stay. */
  stop(): Promise<void>;
}

/** A part that another of its kind may follow in the same process. */
export interface ReplaceablePart extends RunningPart {
  /**
   * As {@link RunningPart.stop}, but for what answers packets itself.
   *
   * @returns what closes that too
   */
  handOver(): Promise<() => Promise<void>>;
}

/** Parts one after another, each with another configuration. */
export class ReloadedPart implements RunningPart {
  readonly ready: Promise<void>;
  #part: ReplaceablePart;
  #isOver = false;

  constructor(part: ReplaceablePart) {
    this.#part = part;
    this.ready = part.ready;
  }

  /** What the last one serves ends when the next one serves. @throws what keeps the next one from beginning */
  async replace(next: () => ReplaceablePart): Promise<void> {
    const close = await this.#part.handOver();
    if (this.#isOver) return close();
    this.#part = next();
    await this.#part.ready.finally(close);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#part.stop();
  }
}

/** What a part has opened, in order; closed in the order's reverse. */
export class Closes {
  readonly #closes: (() => unknown)[] = [];
  #isOver = false;

  /** Once everything is closed, what comes late is closed at once. */
  add(close: () => unknown): void {
    if (this.#isOver) void Promise.resolve(close()).catch(() => undefined);
    else this.#closes.push(close);
  }

  own<T extends { close(): unknown }>(thing: T): T {
    this.add(() => thing.close());
    return thing;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  async all(): Promise<void> {
    this.#isOver = true;
    for (const close of this.#closes.splice(0).reverse()) await close();
  }
}

/**
 * Waits until the part is to end, and stops it.
 *
 * @param ended resolves at a signal; rejects where the process has to end otherwise
 * @throws what kept the part from beginning
 */
export async function runPart(part: RunningPart, ended: Promise<void>): Promise<void> {
  // A part's timers hold up nothing, so that something has to hold the process.
  const alive = setInterval(() => undefined, 60_000);
  try {
    await Promise.race([ended, part.ready.then(() => ended)]);
  } finally {
    clearInterval(alive);
    await part.stop();
  }
}
