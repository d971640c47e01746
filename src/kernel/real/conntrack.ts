/** Conntrack through ctnetlink. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { NamespaceRef } from "../native.ts";
import { MulticastWatch } from "./multicast_watch.ts";
import { splitDatagram } from "../netlink/codec/message.ts";
import type { ConntrackEntry } from "../netlink/ctnetlink/entry.ts";
import { checkRemoval, type ConntrackFilter } from "../netlink/ctnetlink/filter.ts";
import { anyMatcher, commonFilter } from "../netlink/ctnetlink/matcher.ts";
import {
  deleteEntry,
  eventGroup,
  getStats,
  listEntries,
  readEntry,
  readEvent,
  readStats,
  type ConntrackEventType,
} from "../netlink/ctnetlink/messages.ts";
import type { ConntrackEvent, ConntrackPort } from "../ports.ts";
import { readEach } from "./answers.ts";
import { NetlinkClient, netlinkProtocol, refused } from "./netlink_client.ts";

const ENOENT = 2;
/** A few milliseconds of encoding. */
const deletionsAtOnce = 500;

export interface ConntrackOptions {
  /** Default: this process's own. */
  readonly namespace?: NamespaceRef;
  /** Bytes of events that a watch holds before it is overrun; the kernel counts about 800 for each. Default 8 MiB. */
  readonly watchBufferBytes?: number;
}

/** @throws FairleadError NATIVE_CALL when the namespace is not there */
export async function openConntrack(options: ConntrackOptions = {}): Promise<ConntrackPort> {
  const { namespace = null, watchBufferBytes = 8 << 20 } = options;
  const client = await NetlinkClient.open({ protocol: netlinkProtocol.netfilter, namespace });
  return new RealConntrack(client, namespace, watchBufferBytes);
}

class RealConntrack implements ConntrackPort {
  readonly #client: NetlinkClient;
  readonly #namespace: NamespaceRef;
  readonly #watchBufferBytes: number;
  readonly #watches = new Set<MulticastWatch>();

  constructor(client: NetlinkClient, namespace: NamespaceRef, watchBufferBytes: number) {
    this.#client = client;
    this.#namespace = namespace;
    this.#watchBufferBytes = watchBufferBytes;
  }

  async list(filters: readonly ConntrackFilter[] = [{}]): Promise<ConntrackEntry[]> {
    const isMeant = anyMatcher(filters);
    const messages = await this.#client.dump(listEntries(commonFilter(filters)), "list conntrack entries");
    return readEach(messages, (message) => {
      const entry = readEntry(message);
      return isMeant(entry) ? entry : undefined;
    });
  }

  /**
   * One by one, by tuple and id, rather than by a flush with a filter: the kernel's filter is wrong for
   * IPv6 addresses and missing before 6.12, and a flush does not say how many went.
   */
  async remove(filters: readonly ConntrackFilter[]): Promise<number> {
    checkRemoval(filters);
    return filters.length === 0 ? 0 : this.delete(await this.list(filters));
  }

  async delete(entries: readonly ConntrackEntry[]): Promise<number> {
    let deleted = 0;
    for (let from = 0; from < entries.length; from += deletionsAtOnce) {
      const slice = entries.slice(from, from + deletionsAtOnce);
      const errors = await this.#client.errors(slice.map(deleteEntry));
      for (const [index, outcome] of errors) {
        if (outcome.errno !== ENOENT) throw refused(`delete conntrack entry ${describe(slice[index]!)}`, outcome);
      }
      deleted += slice.length - errors.size;
    }
    return deleted;
  }

  async stats(): Promise<{ readonly entries: number; readonly maxEntries: number }> {
    const [answer] = await this.#client.request(getStats(), "count conntrack entries");
    if (!answer) throw new FairleadError("NETLINK_DECODE", { subject: "conntrack statistics", reason: "no answer" });
    return readStats(answer);
  }

  async watch(types: readonly ConntrackEventType[], onEvent: (event: ConntrackEvent) => void) {
    const options = {
      what: "conntrack",
      protocol: netlinkProtocol.netfilter,
      namespace: this.#namespace,
      groups: types.map((type) => eventGroup[type]),
      receiveBufferBytes: this.#watchBufferBytes,
      // A few hundred entries: a few milliseconds of decoding.
      maxBytesPerTurn: 128 << 10,
    };
    const watch = await MulticastWatch.open(options, {
      onDatagram: (datagram) => {
        for (const event of eventsOf(datagram)) onEvent(event);
      },
      onOverrun: () => onEvent({ event: "overrun" }),
      onFailed: (error) => onEvent({ event: "failed", error }),
    });
    this.#watches.add(watch);
    return {
      close: () => {
        watch.close();
        this.#watches.delete(watch);
      },
    };
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
    this.#watches.clear();
    this.#client.close();
  }
}

/** What cannot be read was said all the same: the watcher lists again, as after an overrun. */
function* eventsOf(datagram: Buffer): Generator<ConntrackEvent> {
  try {
    for (const received of splitDatagram(datagram)) {
      const found = readEvent(received);
      if (found) yield { event: found.type, entry: found.entry };
    }
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    yield { event: "overrun" };
  }
}

function describe({ original }: ConntrackEntry): string {
  const port = (value: number | undefined): string => (value === undefined ? "" : ` port ${value}`);
  return (
    `${original.protocol} ${original.source}${port(original.sourcePort)}` +
    ` to ${original.destination}${port(original.destinationPort)}`
  );
}
