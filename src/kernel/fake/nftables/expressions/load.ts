/** net/netfilter/nft_payload.c, nft_meta.c, nft_ct.c, nft_rt.c, nft_socket.c, nft_fib.c, nft_exthdr.c, nft_osf.c, nft_xfrm.c */
import { checkFlags, checkNamed, errno, needed, Refusal, require } from "../refusal.ts";
import type { Checks, Of, RuleContext } from "./context.ts";

/** Bytes of each meta key; 4 where none are given. */
const metaBytes: Readonly<Record<string, number>> = {
  protocol: 2,
  iiftype: 2,
  oiftype: 2,
  iifname: 16,
  oifname: 16,
  iifkind: 16,
  oifkind: 16,
  sdifname: 16,
  briIifname: 16,
  briOifname: 16,
  nfproto: 1,
  l4proto: 1,
  pkttype: 1,
  nftrace: 1,
  secpath: 1,
  timeDay: 1,
  timeNs: 8,
};
const settableMeta: readonly string[] = ["mark", "priority", "nftrace", "pkttype"];

const ctBytes: Readonly<Record<string, number>> = {
  direction: 1,
  l3protocol: 1,
  protocol: 1,
  helper: 16,
  labels: 16,
  srcIp6: 16,
  dstIp6: 16,
  protoSrc: 2,
  protoDst: 2,
  pkts: 8,
  bytes: 8,
  avgpkt: 8,
  zone: 2,
};
const directed: readonly string[] = ["src", "dst", "srcIp", "dstIp", "srcIp6", "dstIp6", "protoSrc", "protoDst"];
const undirected: readonly string[] = [
  "state",
  "direction",
  "status",
  "mark",
  "secmark",
  "expiration",
  "helper",
  "labels",
  "id",
];
const settableCt: readonly string[] = ["mark", "labels", "eventmask", "zone"];

const maxByte = 255;

export const load: Checks<"payload" | "meta" | "ct" | "rt" | "socket" | "fib" | "exthdr" | "osf" | "xfrm"> = {
  payload(e, { registers }) {
    const [base, , len] = [needed(e.base), needed(e.offset), needed(e.len)];
    checkNamed(base, errno.EOPNOTSUPP);
    require(e.sreg === undefined || e.dreg === undefined, errno.EINVAL);
    require(len <= maxByte, errno.ERANGE);
    if (e.sreg !== undefined) registers.load(e.sreg, len);
    else registers.store(e.dreg, len);
  },
  meta(e, { registers }) {
    const key = needed(e.key);
    require(e.sreg === undefined || e.dreg === undefined, errno.EINVAL);
    checkNamed(key, errno.EOPNOTSUPP);
    const bytes = metaBytes[key] ?? 4;
    if (e.sreg === undefined) return registers.store(e.dreg, bytes);
    require(settableMeta.includes(key), errno.EOPNOTSUPP, `${key} cannot be set`);
    registers.load(e.sreg, bytes);
  },
  ct: checkCt,
  rt(e, { registers }) {
    checkNamed(needed(e.key), errno.EOPNOTSUPP);
    registers.store(e.dreg, e.key === "nexthop6" ? 16 : e.key === "tcpmss" ? 2 : e.key === "xfrm" ? 1 : 4);
  },
  socket(e, { registers }) {
    checkNamed(needed(e.key), errno.EOPNOTSUPP);
    registers.store(e.dreg, e.key === "cgroupv2" ? 8 : e.key === "mark" ? 4 : 1);
  },
  fib(e, { registers }) {
    const flags = needed(e.flags);
    checkNamed(needed(e.result), errno.EINVAL);
    checkFlags(flags, errno.EINVAL);
    const addresses = flags.filter((flag) => flag === "saddr" || flag === "daddr").length;
    const devices = flags.filter((flag) => flag === "iif" || flag === "oif").length;
    require(addresses === 1 && devices <= 1, errno.EINVAL);
    registers.store(e.dreg, e.result === "oifname" ? 16 : 4);
  },
  exthdr(e, { registers }) {
    checkNamed(e.op, errno.EOPNOTSUPP);
    const [len] = [needed(e.len), needed(e.type), needed(e.offset)];
    require(e.sreg === undefined || (e.dreg ?? e.flags) === undefined, errno.EINVAL);
    if (e.sreg !== undefined) registers.load(e.sreg, len);
    else registers.store(e.dreg, len);
  },
  osf: (e, { registers }) => registers.store(e.dreg, 16),
  xfrm: (e, { registers }) => registers.store(e.dreg, e.key?.endsWith("Ip6") ? 16 : 4),
};

function checkCt(e: Of<"ct">, { registers }: RuleContext): void {
  const key = needed(e.key);
  require(e.sreg === undefined || e.dreg === undefined, errno.EINVAL);
  checkNamed(key, errno.EOPNOTSUPP);
  const bytes = ctBytes[key] ?? 4;
  if (e.sreg !== undefined) {
    if (!settableCt.includes(key)) throw new Refusal(errno.EOPNOTSUPP, `ct ${key} cannot be set`);
    return registers.load(e.sreg, bytes);
  }
  if (directed.includes(key)) require(e.direction !== undefined, errno.EINVAL, `ct ${key} has a direction`);
  if (undirected.includes(key)) require(e.direction === undefined, errno.EINVAL, `ct ${key} has no direction`);
  checkNamed(e.direction, errno.EINVAL);
  registers.store(e.dreg, bytes);
}
