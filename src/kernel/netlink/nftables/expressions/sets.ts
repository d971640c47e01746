/** Expressions that look keys up in sets and maps, or write them there. */
import { attr, attributes, list, nest } from "../../codec/attributes.ts";
import { be32, named } from "../../codec/codec.ts";
import { flags } from "../../codec/flags.ts";
import { be32Attr, be64Number, foldExpression, textAttr } from "../fields.ts";
import { objectType } from "../object_type.ts";
import { statefulExpression } from "./stateful.ts";

/** `dreg` takes the data of a map: register 0 (the verdict) for a verdict map. `setId`: added in the same batch. */
export const lookup = attributes({
  set: textAttr(1),
  sreg: be32Attr(2),
  dreg: be32Attr(3),
  setId: be32Attr(4),
  flags: attr(5, flags(be32, { inv: 1 })),
});

/**
 * Adds, refreshes or deletes the element of a key; the set has NFT_SET_EVAL.
 * A new element gets `expressions`.
 */
export const dynset = foldExpression(
  attributes({
    setName: textAttr(1),
    setId: be32Attr(2),
    op: attr(3, named(be32, { add: 0, update: 1, delete: 2 })),
    sregKey: be32Attr(4),
    sregData: be32Attr(5),
    timeoutMs: attr(6, be64Number),
    expression: nest(7, statefulExpression),
    flags: attr(9, flags(be32, { inv: 1, expr: 2 })),
    expressions: nest(10, list(1, statefulExpression)),
  }),
);

/** A named object, by name or looked up in an object map. */
export const objref = attributes({
  type: attr(1, objectType),
  name: textAttr(2),
  sreg: be32Attr(3),
  setName: textAttr(4),
  setId: be32Attr(5),
});
