/** Rules (enum nft_rule_attributes). */
import { attr, attributes, nest } from "../codec/attributes.ts";
import type { ValueOf } from "../codec/codec.ts";
import { expressions } from "./expressions/index.ts";
import { be32Attr, be64Number, textAttr } from "./fields.ts";
import { ruleUserdata } from "./userdata.ts";

/** xtables' protocol and flags, which its matches and targets are checked with. */
const compat = attributes({ protocol: be32Attr(1), flags: be32Attr(2) });

/** `position`: handle of the rule to stand behind (NLM_F_APPEND) or before; in a listing, of the one before. */
export const rule = attributes({
  table: textAttr(1),
  chain: textAttr(2),
  handle: attr(3, be64Number),
  expressions: nest(4, expressions),
  compat: nest(5, compat),
  position: attr(6, be64Number),
  userdata: attr(7, ruleUserdata),
  id: be32Attr(9),
  positionId: be32Attr(10),
  chainId: be32Attr(11),
});
export type RuleBody = ValueOf<typeof rule>;
