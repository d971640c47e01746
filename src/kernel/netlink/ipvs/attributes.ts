/**
 * The attributes of the generic netlink family "IPVS" (include/uapi/linux/ip_vs.h, net/netfilter/ipvs/ip_vs_ctl.c).
 * Numbers are in host order, ports in network order. Attributes that nobody here asks about (rates, tunnels, persistence
 * engines, the 32-bit counters beside the 64-bit ones) are not named, and skipped.
 */
import { ipv4Number, type IpAddress } from "../../../model/address.ts";
import { attr, attributes, nest } from "../codec/attributes.ts";
import { be16, bytes, cstring, ip, named, struct, u16, u32, u64, type Codec, type ValueOf } from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { genericMessage } from "../genetlink.ts";

/** IPVS_GENL_NAME */
export const ipvsFamily = "IPVS";

/** IPVS_CMD_* */
export const ipvsCommand = {
  newService: 1,
  setService: 2,
  deleteService: 3,
  getService: 4,
  newDestination: 5,
  setDestination: 6,
  deleteDestination: 7,
  getDestination: 8,
  setConfig: 12,
  getConfig: 13,
  setInfo: 14,
  getInfo: 15,
  zero: 16,
} as const;

const addressFamily = named(u16, { ip: 2, ip6: 10 });

/** IPPROTO_* of what IPVS balances. */
const protocol = named(u16, { tcp: 6, udp: 17, sctp: 132 });
export type IpvsProtocol = ValueOf<typeof protocol>;

/** IP_VS_SVC_F_*; what the scheduler's flags mean is the scheduler's: the first two say the same to sh and to mh. */
const serviceFlags = flags(u32, {
  persistent: 0x01,
  hashed: 0x02,
  onePacket: 0x04,
  fallback: 0x08,
  port: 0x10,
  third: 0x20,
});
export type IpvsServiceFlags = ValueOf<typeof serviceFlags>;

/** IP_VS_CONN_F_FWD_MASK's values. */
const forwarding = named(u32, { masq: 0, local: 1, tunnel: 2, direct: 3, bypass: 4 });
export type IpvsForwarding = ValueOf<typeof forwarding>;

/**
 * union nf_inet_addr: 16 bytes when it comes, whatever the family; that is told beside it. What goes is text, so that a
 * cluster's worth of steps makes no array of bytes each.
 */
const address: Codec<Uint8Array | IpAddress> = {
  shape: { type: "bytes", min: 4, max: 16 },
  write(w, value) {
    if (typeof value !== "string") return raw.write(w, value);
    const v4 = ipv4Number(value);
    if (v4 === undefined) v6.write(w, value);
    else w.be32(v4);
  },
  read: (r) => raw.read(r),
};
const raw = bytes(4, 16);
const v6 = ip(16);

/** IPVS_STATS_ATTR_*, as they stand in STATS64 (Linux 4.1). */
const counters = attributes({
  connections: attr(1, u64),
  packetsIn: attr(2, u64),
  packetsOut: attr(3, u64),
  bytesIn: attr(4, u64),
  bytesOut: attr(5, u64),
});

/** IPVS_SVC_ATTR_* */
export const serviceAttributes = attributes({
  family: attr(1, addressFamily),
  protocol: attr(2, protocol),
  address: attr(3, address),
  port: attr(4, be16),
  mark: attr(5, u32),
  scheduler: attr(6, cstring(15)),
  /** struct ip_vs_flags: the bits, and which of them are meant. */
  flags: attr(7, struct({ set: serviceFlags, mask: u32 })),
  timeoutSeconds: attr(8, u32),
  /** Of IPv4 a mask in network order; of IPv6 the length of a prefix, in host order. */
  netmask: attr(9, bytes(4, 4)),
  counters: nest(12, counters),
});
export type ServiceAttributes = ValueOf<typeof serviceAttributes>;

/** IPVS_DEST_ATTR_* */
export const destinationAttributes = attributes({
  address: attr(1, address),
  port: attr(2, be16),
  forwarding: attr(3, forwarding),
  weight: attr(4, u32),
  upperThreshold: attr(5, u32),
  lowerThreshold: attr(6, u32),
  activeConnections: attr(7, u32),
  inactiveConnections: attr(8, u32),
  persistentConnections: attr(9, u32),
  family: attr(11, addressFamily),
  counters: nest(12, counters),
});
export type DestinationAttributes = ValueOf<typeof destinationAttributes>;

/** IPVS_CMD_ATTR_*: of every command but GET_INFO. */
export const commandMessage = genericMessage(
  attributes({
    service: nest(1, serviceAttributes),
    destination: nest(2, destinationAttributes),
    tcpSeconds: attr(4, u32),
    tcpFinSeconds: attr(5, u32),
    udpSeconds: attr(6, u32),
  }),
);
export type CommandMessage = ValueOf<typeof commandMessage>;

/** IPVS_INFO_ATTR_* */
export const infoMessage = genericMessage(attributes({ version: attr(1, u32), connectionTableSize: attr(2, u32) }));
export type InfoMessage = ValueOf<typeof infoMessage>;
