/**
 * The attributes of ipset's messages (include/uapi/linux/netfilter/ipset/ip_set.h). Numbers bear
 * NLA_F_NET_BYTEORDER, and the kernel refuses those that do not (ip_set_attr_netorder).
 */
import type { IpAddress } from "../../../model/address.ts";
import { attr, attributes, list, nest, netOrder, writeAttribute } from "../codec/attributes.ts";
import { be16, be32, be64, cstring, ip, merged, u32, u8, type Codec, type ValueOf } from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { DecodeFailure } from "../codec/reader.ts";
import { ipProtocol, nfgenmsg, protocolFamily } from "../nfnetlink.ts";

/** Most bytes of a set's name (IPSET_MAXNAMELEN without the NUL). */
export const maxNameBytes = 31;
const name = cstring(maxNameBytes);
/** IPSET_MAX_COMMENT_SIZE */
const comment = cstring(255);

const v4 = netOrder(1, ip(4));
const v6 = netOrder(2, ip(16));
const eitherAddress = attributes({ v4, v6 });

/** An address within an attribute of its own, whose number tells the family (IPSET_ATTR_IPADDR_*). */
const address: Codec<IpAddress> = {
  shape: { type: "ip", lengths: [4, 16] },
  write: (w, value) => writeAttribute(w, value.includes(":") ? v6 : v4, value),
  read(r) {
    const found = eitherAddress.read(r);
    const value = found.v4 ?? found.v6;
    if (value === undefined) throw new DecodeFailure("neither an IPv4 nor an IPv6 address");
    return value;
  },
};

/** IPSET_FLAG_*: of elements and, from `withCounters` on, of sets. */
const elementFlags = flags(be32, {
  before: 1 << 0,
  physicalDevice: 1 << 1,
  nomatch: 1 << 2,
  withCounters: 1 << 3,
  withComment: 1 << 4,
  withForceAdd: 1 << 5,
  withSkbInfo: 1 << 6,
  interfaceWildcard: 1 << 7,
});

/** One element; which fields it has depends on the set's type (IPSET_ATTR_*, "ADT specific"). */
export const elementAttributes = attributes({
  ip: nest(1, address),
  ipTo: nest(2, address),
  cidr: attr(3, u8),
  port: netOrder(4, be16),
  portTo: netOrder(5, be16),
  timeoutSeconds: netOrder(6, be32),
  protocol: attr(7, ipProtocol),
  flags: netOrder(8, elementFlags),
  /** Comes back in the error of a batch; in host order (call_ad). */
  line: attr(9, u32),
  set: attr(18, name),
  setReference: attr(19, name),
  ip2: nest(20, address),
  cidr2: attr(21, u8),
  ip2To: nest(22, address),
  interface: attr(23, cstring(15)),
  bytes: netOrder(24, be64),
  packets: netOrder(25, be64),
  comment: attr(26, comment),
});
export type ElementAttributes = ValueOf<typeof elementAttributes>;

/** What a set was created with, and what the kernel tells of it ("Create-only specific attributes"). */
export const headerAttributes = attributes({
  portFrom: netOrder(4, be16),
  portTo: netOrder(5, be16),
  timeoutSeconds: netOrder(6, be32),
  flags: netOrder(8, elementFlags),
  initval: netOrder(17, be32),
  hashSize: netOrder(18, be32),
  maxElements: netOrder(19, be32),
  netmask: attr(20, u8),
  bucketSize: attr(21, u8),
  size: netOrder(23, be32),
  elementCount: netOrder(24, be32),
  references: netOrder(25, be32),
  memoryBytes: netOrder(26, be32),
});
export type HeaderAttributes = ValueOf<typeof headerAttributes>;

/** IPSET_FLAG_* of a command. */
const commandFlags = flags(be32, { exist: 1 << 0, listNamesOnly: 1 << 1, listHeadersOnly: 1 << 2 });

const elements = list(7, elementAttributes);

/** Create, destroy, flush, list, type and protocol; a list's answers. Attributes at command level. */
export const setMessage = merged(
  nfgenmsg,
  attributes({
    protocol: attr(1, u8),
    name: attr(2, name),
    typeName: attr(3, name),
    revision: attr(4, u8),
    setFamily: attr(5, protocolFamily),
    flags: netOrder(6, commandFlags),
    header: nest(7, headerAttributes),
    elements: nest(8, elements),
    /** In the answer about a type: the lowest revision; about the protocol: the lowest version. */
    lowest: attr(10, u8),
    index: netOrder(11, be16),
  }),
);
export type SetMessage = ValueOf<typeof setMessage>;

/** Add, delete and test: one element, or several with the line of a batch (which the error overwrites). */
export const elementMessage = merged(
  nfgenmsg,
  attributes({
    protocol: attr(1, u8),
    name: attr(2, name),
    element: nest(7, elementAttributes),
    elements: nest(8, elements),
    line: attr(9, u32),
  }),
);
export type ElementMessage = ValueOf<typeof elementMessage>;

/** Rename and swap. */
export const twoSetsMessage = merged(
  nfgenmsg,
  attributes({ protocol: attr(1, u8), name: attr(2, name), name2: attr(3, name) }),
);
export type TwoSetsMessage = ValueOf<typeof twoSetsMessage>;
