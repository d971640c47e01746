/**
 * Expressions: what rules are made of (NFTA_EXPR_NAME says which, NFTA_EXPR_DATA has its attributes).
 * Field names are the kernel's attributes; `expr: "other"` is an expression without a codec here.
 */
import { attr, attributes, list, tagged, type TaggedValue } from "../../codec/attributes.ts";
import { bytes, cstring, type Codec, type ValueOf } from "../../codec/codec.ts";
import { be32Attr, textAttr } from "../fields.ts";
import * as compute from "./compute.ts";
import * as load from "./load.ts";
import * as nat from "./nat.ts";
import * as sets from "./sets.ts";
import * as stateful from "./stateful.ts";

const none = attributes({});
/** xtables' matches and targets, as iptables-nft writes them (net/netfilter/nft_compat.c). */
const compat = attributes({ name: textAttr(1), revision: be32Attr(2), info: attr(3, bytes()) });

const variants = {
  payload: load.payload,
  meta: load.meta,
  ct: load.ct,
  rt: load.rt,
  socket: load.socket,
  fib: load.fib,
  exthdr: load.exthdr,
  osf: load.osf,
  xfrm: load.xfrm,
  immediate: compute.immediate,
  cmp: compute.cmp,
  range: compute.range,
  bitwise: compute.bitwise,
  byteorder: compute.byteorder,
  numgen: compute.numgen,
  hash: compute.hash,
  lookup: sets.lookup,
  dynset: sets.dynset,
  objref: sets.objref,
  nat: nat.nat,
  masq: nat.masq,
  redir: nat.redir,
  tproxy: nat.tproxy,
  fwd: nat.fwd,
  dup: nat.dup,
  flow_offload: nat.flowOffload,
  queue: nat.queue,
  reject: nat.reject,
  synproxy: nat.synproxy,
  counter: stateful.counter,
  quota: stateful.quota,
  limit: stateful.limit,
  connlimit: stateful.connlimit,
  last: stateful.last,
  log: stateful.log,
  notrack: none,
  match: compat,
  target: compat,
} as const;

export const expression: Codec<TaggedValue<"expr", typeof variants>> = tagged("expr", attr(1, cstring()), 2, variants);
export type Expression = ValueOf<typeof expression>;
export type ExpressionName = keyof typeof variants;

/** NFTA_RULE_EXPRESSIONS and its like: expressions one after another. */
export const expressions = list(1, expression);
