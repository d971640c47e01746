/** Routing rules: struct fib_rule_hdr and FRA_* (include/uapi/linux/fib_rules.h). */
import { attr, attributes } from "../codec/attributes.ts";
import { be64, cstring, ip, merged, named, pad, s32, struct, u16, u32, u8, type ValueOf } from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { family, routeProtocol, type Spec } from "./common.ts";

/** FIB_RULE_* */
const ruleFlag = {
  permanent: 0x1,
  invert: 0x2,
  unresolved: 0x4,
  inInterfaceDetached: 0x8,
  outInterfaceDetached: 0x10,
  findSource: 0x10000,
} as const;

const portRange = struct({ start: u16, end: u16 });

const ruleHeader = struct({
  family,
  destinationPrefixLength: u8,
  sourcePrefixLength: u8,
  tos: u8,
  // The header's table holds 8 bits of what FRA_TABLE holds whole; the kernel always sends that.
  tableByte: pad(1),
  reserved: pad(2),
  /** FR_ACT_* */
  action: named(u8, { unspec: 0, lookup: 1, goto: 2, nop: 3, blackhole: 6, unreachable: 7, prohibit: 8 }),
  flags: flags(u32, ruleFlag),
});

/** RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE. */
export const ruleMessage = merged(
  ruleHeader,
  attributes({
    destination: attr(1, ip()),
    source: attr(2, ip()),
    inInterface: attr(3, cstring(15)),
    goto: attr(4, u32),
    /** Rules are tried from the lowest on. The kernel chooses where a request has none. */
    priority: attr(6, u32),
    mark: attr(10, u32),
    flow: attr(11, u32),
    tunnelId: attr(12, be64),
    suppressGroup: attr(13, s32),
    /** A route found with a prefix as short or shorter does not count; -1 is off. */
    suppressPrefixLength: attr(14, s32),
    table: attr(15, u32),
    markMask: attr(16, u32),
    outInterface: attr(17, cstring(15)),
    l3mdev: attr(19, u8),
    uidRange: attr(20, struct({ start: u32, end: u32 })),
    protocol: attr(21, routeProtocol),
    ipProtocol: attr(22, u8),
    sourcePorts: attr(23, portRange),
    destinationPorts: attr(24, portRange),
  }),
);

/** A rule as the kernel tells of it. */
export type Rule = ValueOf<typeof ruleMessage>;
/** A rule as a request gives it. */
export type RuleSpec = Spec<Rule, keyof ValueOf<typeof ruleHeader>>;
