/** Tables and the generation of the ruleset (enum nft_table_attributes, nft_gen_attributes). */
import { attr, attributes } from "../codec/attributes.ts";
import { be32, type ValueOf } from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { be32Attr, be64Number, textAttr } from "./fields.ts";
import { commentUserdata } from "./userdata.ts";

export const tableFlags = flags(be32, { dormant: 1, owner: 2, persist: 4 });

export const table = attributes({
  name: textAttr(1),
  flags: attr(2, tableFlags),
  use: be32Attr(3),
  handle: attr(4, be64Number),
  userdata: attr(6, commentUserdata),
  owner: be32Attr(7),
});

export const generation = attributes({ id: be32Attr(1), processId: be32Attr(2), processName: textAttr(3) });

export type TableBody = ValueOf<typeof table>;
export type TableFlags = ValueOf<typeof tableFlags>;
