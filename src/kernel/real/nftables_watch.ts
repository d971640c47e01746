/** Watches the rulesets of a namespace: what each transaction touched. */
import type { FairleadError } from "../../errors/catalogue.ts";
import { decodeBody, splitDatagram, type ReceivedMessage } from "../netlink/codec/message.ts";
import { nfnetlinkGroup, splitNfnetlinkType, subsystem } from "../netlink/nfnetlink.ts";
import { nftCodecs, nftType } from "../netlink/nftables/message.ts";
import type { NftFamily, NftTableRef } from "../netlink/nftables/state.ts";
import { native, type NamespaceRef, type NativeError, type NativeNetlinkSubscription } from "../native.ts";
import type { NftChange } from "../ports.ts";
import { callFailed, netlinkProtocol } from "./netlink_client.ts";

const options = {
  protocol: netlinkProtocol.netfilter,
  groups: [nfnetlinkGroup.nftables],
  receiveBufferBytes: 4 << 20,
  // About 10 ms of decoding.
  maxBytesPerTurn: 256 << 10,
};

export class NftWatch {
  readonly #namespace: NamespaceRef;
  readonly #onChange: (change: NftChange) => void;
  #subscription: NativeNetlinkSubscription | undefined;
  #closed = false;

  private constructor(namespace: NamespaceRef, onChange: (change: NftChange) => void) {
    this.#namespace = namespace;
    this.#onChange = onChange;
  }

  /** @throws FairleadError NATIVE_CALL */
  static async open(namespace: NamespaceRef, onChange: (change: NftChange) => void): Promise<NftWatch> {
    const watch = new NftWatch(namespace, onChange);
    await watch.#subscribe();
    return watch;
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#subscription?.close();
  }

  async #subscribe(): Promise<void> {
    const changes = new Changes();
    let isOver = false;
    const subscription = await native()
      .subscribeNetlink({ ...options, namespace: this.#namespace }, (error, datagrams) => {
        if (isOver || this.#closed) return;
        isOver = error !== null;
        if (error) void this.#onError(error);
        else for (const change of changes.read(datagrams)) this.#onChange(change);
      })
      .catch((cause: unknown) => {
        throw callFailed("watch the ruleset", cause);
      });
    this.#subscription = subscription;
    if (this.#closed) subscription.close();
  }

  /**
   * A socket that has overrun drops what comes until it is empty, and does not say so again
   * (net/netlink/af_netlink.c, NETLINK_S_CONGESTED): the overrun is told once a new socket listens,
   * so that nothing is missed between what is observed then and what is told next.
   */
  async #onError(error: NativeError): Promise<void> {
    this.#subscription?.close();
    if (error.code !== "ENOBUFS")
      return this.#onChange({ what: "failed", error: callFailed("watch the ruleset", error) });
    try {
      await this.#subscribe();
      if (!this.#closed) this.#onChange({ what: "overrun" });
    } catch (failure) {
      this.#onChange({ what: "failed", error: failure as FairleadError });
    }
  }
}

/** Gathers the messages of a transaction; the one that says the new generation ends it. */
class Changes {
  readonly #tables = new Map<string, NftTableRef>();

  *read(datagrams: readonly Buffer[]): Generator<NftChange> {
    for (const datagram of datagrams) {
      for (const message of splitDatagram(datagram)) {
        const change = this.#readMessage(message);
        if (change) yield change;
      }
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
