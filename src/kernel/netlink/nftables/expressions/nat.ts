/** Expressions that translate addresses or hand the packet to somebody else. */
import { attr, attributes } from "../../codec/attributes.ts";
import { be16, be32, named, u8 } from "../../codec/codec.ts";
import { flags } from "../../codec/flags.ts";
import { be32Attr, textAttr } from "../fields.ts";

/** NF_NAT_RANGE_* (include/uapi/linux/netfilter/nf_nat.h) */
const natFlags = flags(be32, {
  mapIps: 1,
  protoSpecified: 2,
  random: 4,
  persistent: 8,
  fullyRandom: 16,
  protoOffset: 32,
  netmap: 64,
});

const natFamily = named(be32, { unspec: 0, inet: 1, ip: 2, ip6: 10 });

/** Address and port come from registers; a minimum without a maximum is both. */
export const nat = attributes({
  type: attr(1, named(be32, { snat: 0, dnat: 1 })),
  family: attr(2, natFamily),
  regAddrMin: be32Attr(3),
  regAddrMax: be32Attr(4),
  regProtoMin: be32Attr(5),
  regProtoMax: be32Attr(6),
  flags: attr(7, natFlags),
});

export const masq = attributes({ flags: attr(1, natFlags), regProtoMin: be32Attr(2), regProtoMax: be32Attr(3) });
export const redir = attributes({ regProtoMin: be32Attr(1), regProtoMax: be32Attr(2), flags: attr(3, natFlags) });
export const tproxy = attributes({ family: attr(1, natFamily), regAddr: be32Attr(2), regPort: be32Attr(3) });

export const fwd = attributes({ sregDev: be32Attr(1), sregAddr: be32Attr(2), nfproto: attr(3, natFamily) });
export const dup = attributes({ sregAddr: be32Attr(1), sregDev: be32Attr(2) });

/** Hands the connection to a flowtable. */
export const flowOffload = attributes({ table: textAttr(1) });

export const queue = attributes({
  num: attr(1, be16),
  total: attr(2, be16),
  flags: attr(3, flags(be16, { bypass: 1, fanout: 2 })),
  sregQnum: be32Attr(4),
});

/** `icmpCode`: ICMP or ICMPv6 code with `icmp`, enum nft_reject_inet_code with `icmpx`. */
export const reject = attributes({
  type: attr(1, named(be32, { icmp: 0, tcpReset: 1, icmpx: 2 })),
  icmpCode: attr(2, u8),
});

/** enum nft_reject_inet_code: codes that fit both families. */
export const icmpxCode = { noRoute: 0, portUnreachable: 1, hostUnreachable: 2, adminProhibited: 3 } as const;

export const synproxy = attributes({ mss: attr(1, be16), wscale: attr(2, u8), flags: be32Attr(3) });
