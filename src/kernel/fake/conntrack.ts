/** A conntrack table in memory. Entries come and go by {@link FakeConntrack.insert} and {@link FakeConntrack.expire}. */
import type { ConntrackEntry } from "../netlink/ctnetlink/entry.ts";
import { checkRemoval, type ConntrackFilter } from "../netlink/ctnetlink/filter.ts";
import { anyMatcher } from "../netlink/ctnetlink/matcher.ts";
import type { ConntrackEventType } from "../netlink/ctnetlink/messages.ts";
import type { ConntrackEvent, ConntrackPort } from "../ports.ts";
import { callRefused, errno, requestRefused } from "./refusal.ts";

export interface FakeConntrackOptions {
  /** Most entries; default 262,144. */
  readonly maxEntries?: number;
}

interface Watcher {
  readonly types: readonly ConntrackEventType[];
  readonly onEvent: (event: ConntrackEvent) => void;
}

export class FakeConntrack implements ConntrackPort {
  readonly #entries = new Map<string, ConntrackEntry>();
  readonly #watchers = new Set<Watcher>();
  readonly #maxEntries: number;
  #nextId = 1;
  #closed = false;

  constructor(options: FakeConntrackOptions = {}) {
    this.#maxEntries = options.maxEntries ?? 262_144;
  }

  /** A packet makes an entry. @throws FairleadError NETLINK_REFUSED, EEXIST where one of its tuples is taken */
  insert(entry: Omit<ConntrackEntry, "id">): ConntrackEntry {
    const made: ConntrackEntry = { ...entry, id: this.#nextId++ };
    const isTaken = keysOf(made).some((key) => this.#entries.has(key));
    if (isTaken) throw requestRefused("make a conntrack entry", errno.exists);
    for (const key of keysOf(made)) this.#entries.set(key, made);
    this.#tell("new", made);
    return made;
  }

  /** An entry's time is up. */
  expire(entry: ConntrackEntry): void {
    if (this.#delete(entry)) this.#tell("destroy", entry);
  }

  /** The watchers are too slow for a moment. */
  overrun(): void {
    for (const watcher of [...this.#watchers]) watcher.onEvent({ event: "overrun" });
  }

  async list(filters: readonly ConntrackFilter[] = [{}]): Promise<ConntrackEntry[]> {
    this.#check("list conntrack entries");
    return [...new Set(this.#entries.values())].filter(anyMatcher(filters));
  }

  async remove(filters: readonly ConntrackFilter[]): Promise<number> {
    checkRemoval(filters);
    return this.delete(await this.list(filters));
  }

  async delete(entries: readonly ConntrackEntry[]): Promise<number> {
    this.#check("delete conntrack entries");
    const there = entries.filter((entry) => this.#entries.get(keysOf(entry)[0])?.id === entry.id);
    for (const entry of there) this.expire(entry);
    return there.length;
  }

  async stats() {
    this.#check("count conntrack entries");
    return { entries: new Set(this.#entries.values()).size, maxEntries: this.#maxEntries };
  }

  async watch(types: readonly ConntrackEventType[], onEvent: (event: ConntrackEvent) => void) {
    this.#check("watch conntrack");
    const watcher: Watcher = { types, onEvent };
    this.#watchers.add(watcher);
    return { close: () => void this.#watchers.delete(watcher) };
  }

  close(): void {
    this.#closed = true;
    this.#watchers.clear();
  }

  #delete(entry: ConntrackEntry): boolean {
    return keysOf(entry).map((key) => this.#entries.delete(key))[0]!;
  }

  /** In a turn of its own, as datagrams come. */
  #tell(type: ConntrackEventType, entry: ConntrackEntry): void {
    for (const watcher of this.#watchers) {
      if (!watcher.types.includes(type)) continue;
      setImmediate(() => {
        if (this.#watchers.has(watcher)) watcher.onEvent({ event: type, entry });
      });
    }
  }

  #check(what: string): void {
    if (this.#closed) throw callRefused(what, errno.canceled);
  }
}

/** Both tuples of an entry are unique in its zone. */
function keysOf(entry: ConntrackEntry): [string, string] {
  return [`${entry.zone} ${JSON.stringify(entry.original)}`, `${entry.zone} ${JSON.stringify(entry.reply)}`];
}
