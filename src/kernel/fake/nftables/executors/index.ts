/** One executor for every message that changes the ruleset; a missing one does not compile. */
import type { NftKind, NftMessage } from "../../../netlink/nftables/message.ts";
import { errno, Refusal } from "../refusal.ts";
import { delChain, newChain } from "./chains.ts";
import { delElement, destroyElement, newElement } from "./elements.ts";
import type { Executor } from "./executor.ts";
import { delFlowtable, delObject, newFlowtable, newObject } from "./objects.ts";
import { delRule, newRule } from "./rules.ts";
import { delSet, newSet } from "./sets.ts";
import { delTable, newTable } from "./tables.ts";

/** Messages that change something. */
export type Change = Exclude<NftMessage, `get${string}` | "newGeneration">;
/** The kind of object that a message is about. */
export type KindOf<M> = M extends `${"new" | "del" | "destroy"}${infer Noun}`
  ? Noun extends "Element"
    ? "elements"
    : Uncapitalize<Noun>
  : never;

export const executors: { readonly [M in Change]: Executor<KindOf<M>> } = {
  newTable,
  delTable,
  destroyTable: forgiving(delTable),
  newChain,
  delChain,
  destroyChain: forgiving(delChain),
  newRule,
  delRule,
  destroyRule: forgiving(delRule),
  newSet,
  delSet,
  destroySet: forgiving(delSet),
  newElement,
  delElement,
  destroyElement,
  newObject,
  delObject,
  destroyObject: forgiving(delObject),
  newFlowtable,
  delFlowtable,
  destroyFlowtable: forgiving(delFlowtable),
};

/** NFT_MSG_DESTROY*: what is not there is gone already, but its table has to be there. */
function forgiving<K extends NftKind>(executor: Executor<K>): Executor<K> {
  return (body, flags, transaction) => {
    if ("table" in body) transaction.table(body.family, body.table);
    try {
      executor(body, flags, transaction);
    } catch (error) {
      if (!(error instanceof Refusal) || error.errno !== errno.ENOENT) throw error;
    }
  };
}
