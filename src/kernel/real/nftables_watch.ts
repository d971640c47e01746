/** Watches the rulesets of a namespace: what each transaction touched. */
import { decodeBody, splitDatagram, type ReceivedMessage } from "../netlink/codec/message.ts";
import { Reader } from "../netlink/codec/reader.ts";
import { nfnetlinkGroup, splitNfnetlinkType, subsystem } from "../netlink/nfnetlink.ts";
import { nftCodecs, nftType } from "../netlink/nftables/message.ts";
import type { NftFamily, NftTableRef } from "../netlink/nftables/state.ts";
import type { NamespaceRef } from "../native.ts";
import type { NftChange } from "../ports.ts";
import { MulticastWatch } from "./multicast_watch.ts";
import { netlinkProtocol } from "./netlink_client.ts";

/** @throws FairleadError NATIVE_CALL when the namespace is not there */
export function watchRulesets(namespace: NamespaceRef, onChange: (change: NftChange) => void): Promise<MulticastWatch> {
  const options = {
    what: "the ruleset",
    protocol: netlinkProtocol.netfilter,
    namespace,
    groups: [nfnetlinkGroup.nftables],
    receiveBufferBytes: 4 << 20,
    // About 10 ms of decoding.
    maxBytesPerTurn: 256 << 10,
  };
  let changes = new Changes();
  return MulticastWatch.open(options, {
    onDatagram: (datagram) => {
      for (const change of changes.read(datagram)) onChange(change);
    },
    onOverrun: () => {
      // The transaction that was cut has no end.
      changes = new Changes();
      onChange({ what: "overrun" });
    },
    onFailed: (error) => onChange({ what: "failed", error }),
  });
}

/** Gathers the messages of a transaction; the one that says the new generation ends it. */
class Changes {
  readonly #tables = new Map<string, NftTableRef>();
  /** Family and table as the last message began with them: of thousands of elements most begin alike. */
  #place: Uint8Array | undefined;

  *read(datagram: Buffer): Generator<NftChange> {
    if (this.#place && isOfOnePlace(datagram, this.#place)) return;
    for (const message of splitDatagram(datagram)) {
      const change = this.#readMessage(message);
      if (change) yield change;
    }
  }

  #readMessage(message: ReceivedMessage): NftChange | undefined {
    if (splitNfnetlinkType(message.type).subsystemId !== subsystem.nftables) return undefined;
    if (message.type === nftType("newGeneration")) return this.#end(message);
    if (this.#place && beginsWith(message.datagram, message.start, message.end, this.#place)) return undefined;
    const { family, table } = decodeBody(nftCodecs.place, message);
    if (table !== undefined) this.#tables.set(`${family} ${table}`, { family: family as NftFamily, name: table });
    this.#place = placeBytes(message);
    return undefined;
  }

  #end(message: ReceivedMessage): NftChange {
    const { id = 0 } = decodeBody(nftCodecs.generation, message);
    const tables = [...this.#tables.values()];
    this.#tables.clear();
    this.#place = undefined;
    return { what: "changed", tables, generation: id, portId: message.portId };
  }
}

/** Bytes of struct nfgenmsg, and of an attribute's header behind it. */
const nfgenmsgBytes = 4;
const attributeBytes = 4;
/** NFTA_*_TABLE and NFTA_TABLE_NAME: 1 in every message but a generation's. */
const tableAttribute = 1;

/** What stands before the second attribute, where the first is the table's name. */
function placeBytes({ datagram, start, end }: ReceivedMessage): Uint8Array | undefined {
  const attribute = start + nfgenmsgBytes;
  if (attribute + attributeBytes > end) return undefined;
  const header = new Reader(datagram, attribute, end);
  const length = header.u16();
  return header.u16() === tableAttribute ? new Uint8Array(datagram.subarray(start, attribute + length)) : undefined;
}

function beginsWith(datagram: Uint8Array, start: number, end: number, bytes: Uint8Array): boolean {
  if (start + bytes.length > end) return false;
  for (let i = 0; i < bytes.length; i++) if (datagram[start + i] !== bytes[i]) return false;
  return true;
}

/** struct nlmsghdr: length, type */
const [headerBytes, typeAt] = [16, 4];
const endOfTransaction = nftType("newGeneration");

/**
 * Whether nothing in the datagram is news: all of it begins alike, and none ends the transaction. Who writes a hundred
 * thousand elements is told of each one, and nothing is made of those.
 */
function isOfOnePlace(datagram: Buffer, place: Uint8Array): boolean {
  for (let at = 0; at < datagram.length;) {
    if (at + headerBytes > datagram.length) return false;
    const length = datagram.readUInt32LE(at);
    const end = at + length;
    if (length < headerBytes || end > datagram.length) return false;
    const type = datagram.readUInt16LE(at + typeAt);
    if (type >> 8 !== subsystem.nftables || type === endOfTransaction) return false;
    if (!beginsWith(datagram, at + headerBytes, end, place)) return false;
    at = (end + 3) & ~3;
  }
  return true;
}
