/** Expressions with state of their own; counters, quotas and limits are named objects as well. */
import { attr, attributes, tagged, type Attribute } from "../../codec/attributes.ts";
import { be16, be32, be64, cstring, named, type ValueOf } from "../../codec/codec.ts";
import { flags } from "../../codec/flags.ts";
import { be32Attr, be64Number, textAttr } from "../fields.ts";

const number64 = (type: number): Attribute<number> => attr(type, be64Number);

export const counter = attributes({ bytes: attr(1, be64), packets: attr(2, be64) });

/** `over`: matches above the quota rather than below; `depleted` is the kernel's. */
export const quota = attributes({
  bytes: attr(1, be64),
  flags: attr(2, flags(be32, { over: 1, depleted: 2 })),
  consumed: attr(4, be64),
});

/** `rate` packets or bytes in `unit` seconds; `over`: matches above it rather than below. */
export const limit = attributes({
  rate: number64(1),
  unit: number64(2),
  burst: be32Attr(3),
  type: attr(4, named(be32, { packets: 0, bytes: 1 })),
  flags: attr(5, flags(be32, { over: 1 })),
});

export const connlimit = attributes({ count: be32Attr(1), flags: attr(2, flags(be32, { over: 1 })) });

/** When the rule was last reached: `set` is 0 before the first packet. */
export const last = attributes({ set: be32Attr(1), msecs: number64(2) });

/** What elements of a set may carry (NFT_EXPR_STATEFUL). */
export const statefulExpression = tagged("expr", attr(1, cstring()), 2, { counter, quota, limit, connlimit, last });
export type StatefulExpression = ValueOf<typeof statefulExpression>;

/** `group` sends to nfnetlink_log; without it the kernel's own log has the packet, at `level`. */
export const log = attributes({
  group: attr(1, be16),
  prefix: textAttr(2),
  snaplen: be32Attr(3),
  queueThreshold: attr(4, be16),
  level: attr(
    5,
    named(be32, { emerg: 0, alert: 1, crit: 2, err: 3, warning: 4, notice: 5, info: 6, debug: 7, audit: 8 }),
  ),
  flags: attr(6, flags(be32, { tcpSequence: 1, tcpOptions: 2, ipOptions: 4, uid: 8, macDecode: 32 })),
});
