/** Expressions that compare registers, compute with them, or make numbers. */
import { attr, attributes, nest } from "../../codec/attributes.ts";
import { be32, named } from "../../codec/codec.ts";
import { data, dataValue } from "../data.ts";
import { be32Attr } from "../fields.ts";

export const immediate = attributes({ dreg: be32Attr(1), data: nest(2, data) });

export const cmp = attributes({
  sreg: be32Attr(1),
  op: attr(2, named(be32, { eq: 0, neq: 1, lt: 2, lte: 3, gt: 4, gte: 5 })),
  data: nest(3, dataValue),
});

export const range = attributes({
  sreg: be32Attr(1),
  op: attr(2, named(be32, { eq: 0, neq: 1 })),
  from: nest(3, dataValue),
  to: nest(4, dataValue),
});

/**
 * `maskXor` computes (sreg & mask) ^ xor; shifts take their count from `data`; since Linux 6.13 and,
 * or and xor take another register, `sreg2`.
 */
export const bitwise = attributes({
  sreg: be32Attr(1),
  dreg: be32Attr(2),
  len: be32Attr(3),
  mask: nest(4, dataValue),
  xor: nest(5, dataValue),
  op: attr(6, named(be32, { maskXor: 0, lshift: 1, rshift: 2, and: 3, or: 4, xor: 5 })),
  data: nest(7, dataValue),
  sreg2: be32Attr(8),
});

export const byteorder = attributes({
  sreg: be32Attr(1),
  dreg: be32Attr(2),
  op: attr(3, named(be32, { ntoh: 0, hton: 1 })),
  len: be32Attr(4),
  size: be32Attr(5),
});

/** A number below `modulus`, plus `offset`; in the host's byte order. */
export const numgen = attributes({
  dreg: be32Attr(1),
  modulus: be32Attr(2),
  type: attr(3, named(be32, { incremental: 0, random: 1 })),
  offset: be32Attr(4),
});

/** A hash below `modulus`, plus `offset`; in the host's byte order. `symmetric` hashes the flow itself. */
export const hash = attributes({
  sreg: be32Attr(1),
  dreg: be32Attr(2),
  len: be32Attr(3),
  modulus: be32Attr(4),
  seed: be32Attr(5),
  offset: be32Attr(6),
  type: attr(7, named(be32, { jenkins: 0, symmetric: 1 })),
});
