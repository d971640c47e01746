/**
 * What nf_tables holds, as data: what steps carry and listings return. The same fields mean the same
 * in both; `handle` is the kernel's and stands in listings only.
 */
import type { Flags } from "../codec/flags.ts";
import type { StatefulExpression } from "./expressions/stateful.ts";
import type { Expression } from "./expressions/index.ts";
import type { ObjectType } from "./object_type.ts";
import type { ObjectState } from "./object.ts";
import type { hookNumbers } from "./chain.ts";
import type { PackedElements } from "./packed.ts";
import type { Element, SetFlags } from "./set.ts";
import type { TableFlags } from "./table.ts";
import type { CommentUserdata, RuleUserdata, SetUserdata } from "./userdata.ts";

export type NftFamily = keyof typeof hookNumbers;
export type NftHook = { [F in NftFamily]: keyof (typeof hookNumbers)[F] }[NftFamily];

/** Which table. */
export interface NftTableRef {
  readonly family: NftFamily;
  readonly name: string;
}

export interface NftTableSettings {
  readonly flags?: TableFlags;
  /** `comment`: what nft prints. */
  readonly userdata?: CommentUserdata;
}

/** Where a base chain hangs. */
export interface NftBase {
  readonly type: "filter" | "nat" | "route" | (string & {});
  readonly hook: NftHook | `#${number}`;
  /** Lower comes first; NF_IP_PRI_*: -300 raw, -200 conntrack, -150 mangle, -100 dstnat, 0 filter, 100 srcnat. */
  readonly priority: number;
  /** Default: accept. */
  readonly policy?: "accept" | "drop" | `#${number}`;
  /** In netdev tables, and at the ingress hook of inet tables. */
  readonly devices?: readonly string[];
}

export interface NftChain {
  readonly name: string;
  /** Absent: a chain that is jumped to. */
  readonly base?: NftBase;
  /** `base` goes without saying. */
  readonly flags?: Flags<"offload" | "binding">;
  readonly userdata?: CommentUserdata;
  readonly handle?: number;
}

export interface NftRule {
  readonly expressions: readonly Expression[];
  readonly userdata?: RuleUserdata;
  readonly handle?: number;
}

/** A set, or a map: a set with data. `setOf` (datatype.ts) makes types, lengths and flags from names. */
export interface NftSet {
  readonly name: string;
  readonly flags?: SetFlags;
  /** nft's number of the type; the kernel does not read it. */
  readonly keyType: number;
  /** Bytes of a key, with the padding of its parts. */
  readonly keyLen: number;
  /** Of maps: nft's number, or NFT_DATA_VERDICT. */
  readonly dataType?: number;
  readonly dataLen?: number;
  /** Of object maps. */
  readonly objectType?: ObjectType;
  /** Bytes of each part of an interval key, without padding. */
  readonly fieldLens?: readonly number[];
  /** Most elements: makes loading 2-3 times as fast, and the kernel refuses more (ENFILE). */
  readonly size?: number;
  /** Of elements that say nothing else. */
  readonly timeoutMs?: number;
  readonly gcIntervalMs?: number;
  readonly policy?: "performance" | "memory" | `#${number}`;
  /** Each element gets its own (a counter). */
  readonly expressions?: readonly StatefulExpression[];
  readonly userdata?: SetUserdata;
  readonly handle?: number;
  /** NFTA_SET_ID, by which `lookup` and `dynset` of the same batch find an anonymous set. Default: made up. */
  readonly id?: number;
}

export type NftElement = Element;
export type NftElements = readonly NftElement[] | PackedElements;

/** A named object: `kind` says which, and which fields its state has. */
export type NftObject = ObjectState & {
  readonly objectName: string;
  readonly userdata?: CommentUserdata;
  readonly handle?: number;
};

export interface NftFlowtable {
  readonly name: string;
  readonly priority: number;
  readonly devices: readonly string[];
  readonly flags?: Flags<"offload" | "counter">;
  readonly handle?: number;
}

export interface NftChainState extends NftChain {
  readonly rules: readonly NftRule[];
}
export interface NftSetState extends NftSet {
  readonly elements: readonly NftElement[];
}

/** A table whole, as it was at one generation. */
export interface NftTable extends NftTableRef, NftTableSettings {
  readonly handle: number;
  readonly generation: number;
  readonly chains: readonly NftChainState[];
  readonly sets: readonly NftSetState[];
  readonly objects: readonly NftObject[];
  readonly flowtables: readonly NftFlowtable[];
}
