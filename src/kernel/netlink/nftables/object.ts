/** Named objects: state that several rules and elements share (enum nft_object_attributes). */
import { attr, attributes, tagged } from "../codec/attributes.ts";
import { alongside, type ValueOf } from "../codec/codec.ts";
import { connlimit, counter, limit, quota } from "./expressions/stateful.ts";
import { be32Attr, be64Number, textAttr } from "./fields.ts";
import { objectType } from "./object_type.ts";
import { commentUserdata } from "./userdata.ts";

/** What kind of object, and its state. */
export const objectState = tagged("kind", attr(3, objectType), 4, { counter, quota, limit, connlimit });
export type ObjectState = ValueOf<typeof objectState>;

export const object = alongside(
  attributes({
    table: textAttr(1),
    objectName: textAttr(2),
    use: be32Attr(5),
    handle: attr(6, be64Number),
    userdata: attr(8, commentUserdata),
  }),
  objectState,
);
export type ObjectBody = ValueOf<typeof object>;
