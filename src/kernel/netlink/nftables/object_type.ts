import { be32, named, type ValueOf } from "../codec/codec.ts";

/** NFT_OBJECT_* */
export const objectType = named(be32, {
  counter: 1,
  quota: 2,
  ctHelper: 3,
  limit: 4,
  connlimit: 5,
  tunnel: 6,
  ctTimeout: 7,
  secmark: 8,
  ctExpect: 9,
  synproxy: 10,
});
export type ObjectType = ValueOf<typeof objectType>;
