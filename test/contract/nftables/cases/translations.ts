/** Expressions that depend on the chain that they are reached from. */
import { rule, elements, sets, address, x, jump, lookup, inNat } from "../fixtures.ts";
import { ok, refused, type Case } from "./case.ts";

export const translationCases: readonly Case[] = [
  ok("dnat in prerouting", inNat, [rule("pre", x.load, x.dnat)]),
  refused("EOPNOTSUPP", "dnat in postrouting", inNat, [rule("post", x.load, x.dnat)]),
  ok("snat in postrouting", inNat, [rule("post", x.load, x.snat)]),
  refused("EOPNOTSUPP", "snat in prerouting", inNat, [rule("pre", x.load, x.snat)]),
  refused("EOPNOTSUPP", "dnat in a filter chain", inNat, [rule("f", x.load, x.dnat)]),
  ok("dnat in a regular chain", inNat, [rule("a", x.load, x.dnat)]),
  refused(
    "EOPNOTSUPP",
    "dnat in a chain that a filter chain jumps to",
    [...inNat, rule("f", jump("a"))],
    [rule("a", x.load, x.dnat)],
  ),
  refused("EOPNOTSUPP", "filter chain jumps to dnat", [...inNat, rule("a", x.load, x.dnat)], [rule("f", jump("a"))]),
  refused(
    "EOPNOTSUPP",
    "verdict map of a filter chain goes to dnat",
    [...inNat, rule("a", x.load, x.dnat), sets.verdicts, rule("f", x.saddr, lookup("v", 0))],
    [elements("v", { key: address(1), data: { verdict: { code: "goto", chain: "a" } } })],
  ),
  refused("EINVAL", "dnat without an address or a port", inNat, [
    rule("pre", { expr: "nat", type: "dnat", family: "ip" }),
  ]),
  refused("EOPNOTSUPP", "dnat of another family", inNat, [rule("pre", x.load, { ...x.dnat, family: "ip6" })]),
  refused("EINVAL", "dnat without a family", inNat, [
    rule("pre", x.load, { expr: "nat", type: "dnat", regAddrMin: 1 }),
  ]),
  refused("EOPNOTSUPP", "nat of an unknown type", inNat, [rule("pre", x.load, { ...x.dnat, type: "#7" })]),
  refused("EINVAL", "nat with unknown flags", inNat, [rule("pre", x.load, { ...x.dnat, flags: ["#1024"] })]),
  refused("ENODATA", "dnat from an unloaded register", inNat, [rule("pre", x.dnat)]),
  ok("dnat with a port", inNat, [
    rule(
      "pre",
      x.load,
      { expr: "immediate", dreg: 2, data: { value: Uint8Array.of(0, 80) } },
      { ...x.dnat, regProtoMin: 2 },
    ),
  ]),
  ok("masquerade in postrouting", inNat, [rule("post", x.masq)]),
  refused("EOPNOTSUPP", "masquerade in prerouting", inNat, [rule("pre", x.masq)]),
  ok("masquerade with flags", inNat, [rule("post", { expr: "masq", flags: ["fullyRandom"] })]),
  ok("redirect in prerouting", inNat, [rule("pre", { expr: "redir" })]),
  refused("EOPNOTSUPP", "redirect in postrouting", inNat, [rule("post", { expr: "redir" })]),
  ok("reject at input", inNat, [rule("f", { expr: "reject", type: "icmp", icmpCode: 3 })]),
  refused("EOPNOTSUPP", "reject at postrouting", inNat, [rule("post", { expr: "reject", type: "icmp", icmpCode: 3 })]),
  refused("EINVAL", "reject without a code", inNat, [rule("f", { expr: "reject", type: "icmp" })]),
  refused("EINVAL", "reject of an unknown type", inNat, [rule("f", { expr: "reject", type: "#9", icmpCode: 1 })]),
  ok("masquerade with ports", inNat, [
    rule(
      "post",
      { expr: "immediate", dreg: 1, data: { value: Uint8Array.of(0, 80) } },
      { expr: "masq", regProtoMin: 1 },
    ),
  ]),
  ok("redirect with ports", inNat, [
    rule(
      "pre",
      { expr: "immediate", dreg: 1, data: { value: Uint8Array.of(0, 80) } },
      { expr: "redir", regProtoMin: 1 },
    ),
  ]),
  ok("dnat with a persistent range", inNat, [
    rule("pre", x.load, { ...x.load, dreg: 2 }, { ...x.dnat, regAddrMax: 2, flags: ["random", "persistent"] }),
  ]),
  ok("dnat to a port only", inNat, [
    rule(
      "pre",
      { expr: "immediate", dreg: 1, data: { value: Uint8Array.of(0, 80) } },
      { expr: "nat", type: "dnat", family: "ip", regProtoMin: 1 },
    ),
  ]),
  ok("reject with a reset", inNat, [rule("f", { expr: "reject", type: "tcpReset", icmpCode: 3 })]),
];
