/** Watches the rulesets of a namespace: what each transaction touched. */
import { decodeBody, splitDatagram, type ReceivedMessage } from "../netlink/codec/message.ts";
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

  *read(datagram: Buffer): Generator<NftChange> {
    for (const message of splitDatagram(datagram)) {
      const change = this.#readMessage(message);
      if (change) yield change;
    }
  }

  #readMessage(message: ReceivedMessage): NftChange | undefined {
    if (splitNfnetlinkType(message.type).subsystemId !== subsystem.nftables) return undefined;
    if (message.type === nftType("newGeneration")) return this.#end(message);
    const { family, table } = decodeBody(nftCodecs.place, message);
    if (table !== undefined) this.#tables.set(`${family} ${table}`, { family: family as NftFamily, name: table });
    return undefined;
  }

  #end(message: ReceivedMessage): NftChange {
    const { id = 0 } = decodeBody(nftCodecs.generation, message);
    const tables = [...this.#tables.values()];
    this.#tables.clear();
    return { what: "changed", tables, generation: id, portId: message.portId };
  }
}
