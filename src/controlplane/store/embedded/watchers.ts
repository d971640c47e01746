/** The watches of an embedded store: each reads history first, then follows what is committed. */
import { FairleadError } from "../../../errors/catalogue.ts";
import type { StoreEvent, StoreWatch, WatchObserver } from "../store.ts";
import type { Answers, LogRow } from "./protocol.ts";

/** Events of one page of history. */
const pageLimit = 1000;

/** Reads one page of history and calls back in the turn in which it arrives, in order with commits. */
export type ReadHistory = (
  prefix: string,
  after: number,
  limit: number,
  onPage: (page: Answers["history"]) => void,
) => Promise<unknown>;

interface Watcher {
  readonly prefix: string;
  readonly observer: WatchObserver;
  /** Everything up to here was delivered. */
  position: number;
  live: boolean;
  open: boolean;
}

export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly #history: ReadHistory;
  readonly #newest: () => number;

  /** @param newest the newest revision whose events were given to {@link dispatch} */
  constructor(history: ReadHistory, newest: () => number) {
    this.#history = history;
    this.#newest = newest;
  }

  add(prefix: string, after: number, observer: WatchObserver): StoreWatch {
    const watcher: Watcher = { prefix, observer, position: after, live: false, open: true };
    this.#watchers.add(watcher);
    this.#replay(watcher);
    return {
      requestProgress: () => {
        queueMicrotask(() => {
          if (!watcher.open || !watcher.live) return;
          watcher.position = this.#newest();
          watcher.observer.onEvents([], watcher.position);
        });
      },
      close: () => this.#remove(watcher),
    };
  }

  /** Gives events, in the order of their revisions, to the watches that follow live. */
  dispatch(events: readonly StoreEvent[], revision: number): void {
    for (const watcher of this.#watchers) {
      if (!watcher.live) continue;
      const matching = events.filter((event) => keyOf(event).startsWith(watcher.prefix));
      if (matching.length === 0) continue;
      watcher.position = revision;
      watcher.observer.onEvents(matching, revision);
    }
  }

  /** Ends every watch with the error. */
  fail(error: FairleadError): void {
    for (const watcher of [...this.#watchers]) this.#end(watcher, error);
  }

  closeAll(): void {
    for (const watcher of [...this.#watchers]) this.#remove(watcher);
  }

  #replay(watcher: Watcher): void {
    this.#history(watcher.prefix, watcher.position, pageLimit, (page) => this.#onPage(watcher, page)).catch(
      (error: unknown) => this.#end(watcher, error as FairleadError),
    );
  }

  #onPage(watcher: Watcher, page: Answers["history"]): void {
    if (!watcher.open) return;
    if ("refused" in page) return this.#end(watcher, historyRefused(watcher, page));
    // A complete page is as new as the last commit that was dispatched: answers come in the order of commits.
    watcher.position = page.revision;
    watcher.live = page.complete;
    if (page.rows.length > 0) watcher.observer.onEvents(page.rows.map(eventOf), page.revision);
    if (!page.complete && watcher.open) this.#replay(watcher);
  }

  #end(watcher: Watcher, error: FairleadError): void {
    if (!watcher.open) return;
    this.#remove(watcher);
    watcher.observer.onEnd(error);
  }

  #remove(watcher: Watcher): void {
    watcher.open = false;
    this.#watchers.delete(watcher);
  }
}

function keyOf(event: StoreEvent): string {
  return event.type === "put" ? event.item.key : event.key;
}

/** The event of a row that came from the worker. */
export function eventOf(row: LogRow): StoreEvent {
  if (row.deleted) return { type: "delete", key: row.key, revision: row.modRevision };
  const { key, value, createRevision, modRevision } = row;
  return { type: "put", item: { key, value: bufferOf(value), createRevision, modRevision } };
}

/** The same bytes as a Buffer: a structured clone makes a Uint8Array of it. */
export function bufferOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function historyRefused(watcher: Watcher, page: { refused: "compacted" | "future"; revision: number }): FairleadError {
  const code = page.refused === "compacted" ? "STORE_COMPACTED" : "STORE_FUTURE_REVISION";
  const reason = `revision ${watcher.position} was asked for, ${page.refused === "compacted" ? "compacted up to" : "the newest is"} ${page.revision}`;
  return new FairleadError(code, { subject: watcher.prefix, reason });
}
