/**
 * Traffic control: queueing disciplines and filters, struct tcmsg and TCA_*
 * (include/uapi/linux/rtnetlink.h, pkt_sched.h, pkt_cls.h, gen_stats.h).
 */
import { attr, attributes, nest, tagged } from "../codec/attributes.ts";
import {
  alongside,
  be16,
  bytes,
  cstring,
  merged,
  named,
  pad,
  s32,
  struct,
  u16,
  u32,
  u64,
  u8,
  type Codec,
  type ValueOf,
} from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { family, type Spec } from "./common.ts";
import { qdiscOptions } from "./qdisc_kinds.ts";

/** A handle from its two halves, as `tc` prints it ("1:10"; hexadecimal there). */
export function tcHandle(major: number, minor: number): number {
  return ((major << 16) | minor) >>> 0;
}

/** The handle that the kernel gives clsact and ingress (ffff:). */
export const ingressHandle = 0xffff0000;

/** TC_H_*; a class or qdisc as parent is "#" and its handle's number. */
const parent = named(u32, {
  unspec: 0,
  root: 0xffffffff,
  /** Parent of the qdiscs clsact and ingress. */
  clsact: 0xfffffff1,
  /** Parent of the filters for what comes in, of clsact. */
  ingress: 0xfffffff2,
  /** Parent of the filters for what goes out, of clsact. */
  egress: 0xfffffff3,
  /** Parent of the filters of the qdisc ingress. */
  ingressQdisc: ingressHandle,
});

/** TCA_STATS2 */
const statistics = attributes({
  /** `packets` wraps at 2^32; `packets64` does not. */
  basic: attr(1, struct({ bytes: u64, packets: u32 })),
  queue: attr(3, struct({ length: u32, backlogBytes: u32, drops: u32, requeues: u32, overlimits: u32 })),
  packets64: attr(8, u64),
});

export const qdiscHeader = struct({
  family,
  padding: pad(3),
  /** The link's. */
  index: s32,
  handle: u32,
  parent,
  /** tcm_info: references to it. */
  references: u32,
});

/** RTM_NEWQDISC, RTM_DELQDISC, RTM_GETQDISC: header; kind and options; the rest. */
export const qdiscMessage = merged(
  qdiscHeader,
  alongside(
    qdiscOptions,
    attributes({
      statistics: nest(7, statistics),
      ingressBlock: attr(13, u32),
      egressBlock: attr(14, u32),
    }),
  ),
);

/** A queueing discipline as the kernel tells of it. */
export type Qdisc = ValueOf<typeof qdiscMessage>;
/** A queueing discipline as a request gives it. */
export type QdiscSpec = Spec<Qdisc, "family" | "handle" | "references">;

/** struct sock_filter: one instruction of classic BPF. */
const instruction = struct({ code: u16, jumpTrue: u8, jumpFalse: u8, value: u32 });

const instructionBytes = 8;

const instructions: Codec<readonly ValueOf<typeof instruction>[]> = {
  shape: { type: "list", item: () => instruction.shape, min: 0, max: 4 },
  write(w, values) {
    for (const value of values) instruction.write(w, value);
  },
  read(r) {
    const values: ValueOf<typeof instruction>[] = [];
    while (r.remaining >= instructionBytes) values.push(instruction.read(r));
    return values;
  },
};

const filterOptions = tagged("kind", attr(1, cstring()), 2, {
  bpf: attributes({
    classId: attr(3, u32),
    instructionCount: attr(4, u16),
    instructions: attr(5, instructions),
    /** Descriptor of a loaded program; in requests. */
    fd: attr(6, u32),
    name: attr(7, cstring()),
    /** TCA_BPF_FLAG_*: the program's result is the verdict (TC_ACT_*). */
    flags: attr(8, flags(u32, { directAction: 1 })),
    /** TCA_CLS_FLAGS_* */
    generatedFlags: attr(9, flags(u32, { skipHardware: 1, skipSoftware: 2, inHardware: 4, notInHardware: 8 })),
    tag: attr(10, bytes(0, 8)),
    /** Id of the program, as bpf(2) knows it. */
    id: attr(11, u32),
  }),
});

const filterHeader = struct({
  family,
  padding: pad(3),
  /** The link's. */
  index: s32,
  /** 0 in a request that makes a filter: the kernel chooses. */
  handle: u32,
  parent,
  /** ETH_P_*; the low half of tcm_info. */
  protocol: named(be16, { unspec: 0, all: 0x0003, ip: 0x0800, arp: 0x0806, vlan: 0x8100, ip6: 0x86dd }),
  /** Filters are tried from the lowest on; the high half of tcm_info. 0: the kernel chooses. */
  priority: u16,
});

/** RTM_NEWTFILTER, RTM_DELTFILTER, RTM_GETTFILTER. */
export const filterMessage = merged(
  filterHeader,
  alongside(filterOptions, attributes({ statistics: nest(7, statistics), chain: attr(11, u32) })),
);

/** A filter as the kernel tells of it. */
export type Filter = ValueOf<typeof filterMessage>;
/** A filter as a request gives it. */
export type FilterSpec = Spec<Filter, "family" | "handle">;
