/** A part of the node agent as something that is started and stopped: alone in a process, or beside the others. */
import type { Clock } from "../reconcile/clock.ts";

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
   * @returns what lets that go too, for when nobody is led there any more: it resolves when its last connection has ended
   */
  handOver(): Promise<() => Promise<void>>;
}

/** Parts one after another, each with another configuration. */
export class ReloadedPart implements RunningPart {
  readonly ready: Promise<void>;
  #part: ReplaceablePart;
  /** Replaced, and not without connections yet. */
  readonly #leaving = new Set<ReplaceablePart>();
  #isOver = false;

  constructor(part: ReplaceablePart) {
    this.#part = part;
    this.ready = part.ready;
  }

  /** The last one lets go when the next one serves. @throws what keeps the next one from beginning */
  async replace(next: () => ReplaceablePart): Promise<void> {
    const last = this.#part;
    const letGo = await last.handOver();
    if (this.#isOver) return;
    this.#part = next();
    this.#leaving.add(last);
    await this.#part.ready.finally(() => void this.#leave(last, letGo));
  }

  /** What cannot be let go stays, and is stopped with the others. */
  async #leave(last: ReplaceablePart, letGo: () => Promise<void>): Promise<void> {
    await letGo().then(
      () => this.#leaving.delete(last),
      () => undefined,
    );
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all([this.#part, ...this.#leaving].map((part) => part.stop()));
  }
}

/** What answers packets itself. */
export interface Server {
  /** Whether nobody is connected. */
  isIdle(): Promise<boolean>;
  /** Takes nobody any more who comes by himself: another serves instead. Default: nobody does. */
  retire?(): Promise<void>;
  /** Ends what goes on. Idempotent. */
  close(): Promise<void>;
}

/** Servers of a part: connections that they have may outlive it. */
export class Servers {
  readonly #servers: Server[] = [];
  readonly #clock: Clock;
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async own<T extends Server>(server: T): Promise<T> {
    if (this.#isOver) await server.close();
    this.#servers.push(server);
    return server;
  }

  /** At once. */
  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  /** Each when its last connection has ended; whoever is idle for too long it ends itself. */
  async drain(): Promise<void> {
    await Promise.all(this.#servers.map((server) => this.#drain(server)));
  }

  async #drain(server: Server): Promise<void> {
    if (!this.#isOver) await server.retire?.().catch(() => undefined);
    // Of one that cannot say it, nobody will ever know when it is: that ends now.
    while (!this.#isOver && !(await server.isIdle().catch(() => true))) {
      await new Promise<void>((resolve) => this.#clock.after(lookMs, resolve));
    }
    await server.close();
  }
}

/** How often it is looked whether connections have ended, in ms. */
const lookMs = 1000;

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
