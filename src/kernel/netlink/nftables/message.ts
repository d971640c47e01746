/** Messages of nf_tables: the numbers of enum nf_tables_msg_types and the codec of each. */
import { attributes } from "../codec/attributes.ts";
import type { Codec, ValueOf } from "../codec/codec.ts";
import { merged } from "../codec/codec.ts";
import type { Request } from "../codec/message.ts";
import { nfgenmsg, nfnetlinkType, subsystem, type NfGenMsg } from "../nfnetlink.ts";
import { chain, flowtable } from "./chain.ts";
import { textAttr } from "./fields.ts";
import { object } from "./object.ts";
import { rule } from "./rule.ts";
import { elementList, set } from "./set.ts";
import { generation, table } from "./table.ts";

/** NFT_MSG_*; the DESTROY messages came with Linux 6.3. */
export const nftMessage = {
  newTable: 0,
  getTable: 1,
  delTable: 2,
  newChain: 3,
  getChain: 4,
  delChain: 5,
  newRule: 6,
  getRule: 7,
  delRule: 8,
  newSet: 9,
  getSet: 10,
  delSet: 11,
  newElement: 12,
  getElement: 13,
  delElement: 14,
  newGeneration: 15,
  getGeneration: 16,
  newObject: 18,
  getObject: 19,
  delObject: 20,
  newFlowtable: 22,
  getFlowtable: 23,
  delFlowtable: 24,
  destroyTable: 26,
  destroyChain: 27,
  destroyRule: 28,
  destroySet: 29,
  destroyElement: 30,
  destroyObject: 31,
  destroyFlowtable: 32,
} as const;
export type NftMessage = keyof typeof nftMessage;

/** Where something is: what every message starts with, and what dumps are filtered by. */
const place = attributes({ table: textAttr(1), name: textAttr(2) });

/** What stands behind each kind's header. */
export const nftCodecs = {
  table: merged(nfgenmsg, table),
  chain: merged(nfgenmsg, chain),
  rule: merged(nfgenmsg, rule),
  set: merged(nfgenmsg, set),
  elements: merged(nfgenmsg, elementList),
  object: merged(nfgenmsg, object),
  flowtable: merged(nfgenmsg, flowtable),
  generation: merged(nfgenmsg, generation),
  place: merged(nfgenmsg, place),
} as const;
export type NftKind = keyof typeof nftCodecs;
/** A message's body: the header's fields and the object's attributes. */
export type NftBody<K extends NftKind> = ValueOf<(typeof nftCodecs)[K]>;
type WithoutHead<T> = T extends unknown ? Omit<T, keyof NfGenMsg> : never;

/** A request about one kind of object. */
export function nftRequest<K extends NftKind>(
  kind: K,
  message: NftMessage,
  flags: number,
  family: NfGenMsg["family"],
  body: WithoutHead<NftBody<K>>,
): Request<NftBody<K>> {
  const whole = { family, version: 0, resourceId: 0, ...body } as unknown as NftBody<K>;
  return { type: nftType(message), flags, codec: nftCodecs[kind] as Codec<unknown> as Codec<NftBody<K>>, body: whole };
}

/** nlmsg_type of a message. */
export function nftType(message: NftMessage): number {
  return nfnetlinkType(subsystem.nftables, nftMessage[message]);
}
