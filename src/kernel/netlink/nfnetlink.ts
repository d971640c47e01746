/**
 * What the subsystems of netfilter's netlink protocol share: conntrack, ipset, nf_tables
 * (include/uapi/linux/netfilter/nfnetlink.h).
 */
import { attr, attributes } from "./codec/attributes.ts";
import { be16, be32, merged, named, struct, u8, type ValueOf } from "./codec/codec.ts";
import type { Request } from "./codec/message.ts";

/** NFPROTO_*; `ip` and `ip6` are AF_INET and AF_INET6 too. */
export const protocolFamily = named(u8, { unspec: 0, inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 });
export type ProtocolFamily = ValueOf<typeof protocolFamily>;

/** IPPROTO_* of the protocols that conntrack tells apart. */
export const ipProtocol = named(u8, {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
});
export type IpProtocol = ValueOf<typeof ipProtocol>;

/** struct nfgenmsg: stands before the attributes of every message. `version` is NFNETLINK_V0. */
export const nfgenmsg = struct({ family: protocolFamily, version: u8, resourceId: be16 });
export type NfGenMsg = ValueOf<typeof nfgenmsg>;

/** NFNL_SUBSYS_* */
export const subsystem = {
  none: 0,
  conntrack: 1,
  conntrackExpectation: 2,
  queue: 3,
  accounting: 7,
  ipset: 6,
  conntrackTimeout: 8,
  nftables: 10,
  hook: 12,
} as const;

/** NFNLGRP_*: multicast groups. */
export const nfnetlinkGroup = {
  conntrackNew: 1,
  conntrackUpdate: 2,
  conntrackDestroy: 3,
  expectationNew: 4,
  expectationUpdate: 5,
  expectationDestroy: 6,
  nftables: 7,
  nftrace: 9,
} as const;

/** nlmsg_type of message `message` of a subsystem. */
export function nfnetlinkType(subsystemId: number, message: number): number {
  return (subsystemId << 8) | message;
}

/** The subsystem and its message that nlmsg_type stands for. */
export function splitNfnetlinkType(type: number): { readonly subsystemId: number; readonly message: number } {
  return { subsystemId: type >> 8, message: type & 0xff };
}

/** NFNL_MSG_BATCH_BEGIN and _END take the numbers of NLMSG_MIN_TYPE on, without a subsystem. */
const batchBeginType = 0x10;
const batchEndType = 0x11;

/** Begin and end of a batch; with `generation` the kernel refuses it (ERESTART) once the ruleset is another. */
export const batchMessage = merged(nfgenmsg, attributes({ generation: attr(1, be32) }));
export type BatchMessage = ValueOf<typeof batchMessage>;

/** Opens a batch. The kernel reads the subsystem from res_id and drops the batch silently when it is missing. */
export function batchBegin(subsystemId: number, generation?: number): Request<BatchMessage> {
  const head = { family: "unspec", version: 0, resourceId: subsystemId } as const;
  const body = generation === undefined ? head : { ...head, generation };
  return { type: batchBeginType, flags: 0, codec: batchMessage, body };
}

/** Ends and commits a batch. */
export function batchEnd(subsystemId: number, flags = 0): Request<BatchMessage> {
  const body = { family: "unspec", version: 0, resourceId: subsystemId } as const;
  return { type: batchEndType, flags, codec: batchMessage, body };
}
