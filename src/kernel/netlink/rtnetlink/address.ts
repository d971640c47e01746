/** Addresses of links: struct ifaddrmsg and IFA_* (include/uapi/linux/if_addr.h). */
import { attr, attributes } from "../codec/attributes.ts";
import { cstring, ip, merged, named, pad, s32, struct, u32, u8, type ValueOf } from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { family, scope, type Spec } from "./common.ts";

/** IFA_F_* */
const addressFlag = {
  /** IPv4: not the first of its subnet on the link. IPv6: temporary. */
  secondary: 0x1,
  /** No duplicate address detection: the address is usable at once. */
  noDad: 0x2,
  optimistic: 0x4,
  dadFailed: 0x8,
  home: 0x10,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  manageTemporary: 0x100,
  /** The kernel makes no route to the subnet. */
  noPrefixRoute: 0x200,
  multicastAutoJoin: 0x400,
  stablePrivacy: 0x800,
} as const;

/** Seconds that never end, in {@link Address} `lifetime`. */
export const foreverSeconds = 0xffffffff;

const addressHeader = struct({
  family,
  prefixLength: u8,
  // ifa_flags holds 8 bits of what IFA_FLAGS holds whole; every kernel since 3.14 sends and takes that.
  lowFlags: pad(1),
  scope,
  /** The link's. */
  index: s32,
});

/** RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR. */
export const addressMessage = merged(
  addressHeader,
  attributes({
    /** The peer's address on a point-to-point link, else the same as `local`. IPv6 has this one alone. */
    address: attr(1, ip()),
    local: attr(2, ip()),
    label: attr(3, cstring(15)),
    broadcast: attr(4, ip(4)),
    anycast: attr(5, ip(16)),
    /** struct ifa_cacheinfo: seconds; stamps are hundredths of a second since the machine started. */
    lifetime: attr(6, struct({ preferred: u32, valid: u32, createdStamp: u32, updatedStamp: u32 })),
    multicast: attr(7, ip(16)),
    flags: attr(8, flags(u32, addressFlag)),
    /** Metric of the route to the subnet. */
    routePriority: attr(9, u32),
    targetNetnsId: attr(10, s32),
    /** IFAPROT_*: who made it. Since Linux 5.18. */
    protocol: attr(11, named(u8, { unspec: 0, loopback: 1, routerAdvertisement: 2, linkLocal: 3 })),
  }),
);

/** An address as the kernel tells of it. */
export type Address = ValueOf<typeof addressMessage>;
/** An address as a request gives it. */
export type AddressSpec = Spec<Address, "family" | "scope">;
