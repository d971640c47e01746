import type { NftBody, NftKind } from "../../../netlink/nftables/message.ts";
import type { Flags, Transaction } from "../transaction.ts";

export type Body<K extends NftKind> = NftBody<K>;

/** Carries one message out. @throws Refusal, and leaves what it did to the transaction's journal */
export type Executor<K extends NftKind> = (body: Body<K>, flags: Flags, transaction: Transaction) => void;
