/** Expressions that load registers. */
import { addTable, chain, base, rule, x, withChain } from "../fixtures.ts";
import { ok, refused, type Case } from "./case.ts";

export const loadCases: readonly Case[] = [
  refused("EINVAL", "payload of no bytes", withChain, [rule("a", { ...x.saddr, len: 0 })]),
  refused("ERANGE", "payload of 256 bytes", withChain, [rule("a", { ...x.saddr, len: 256 })]),
  refused("ERANGE", "payload of 65 bytes", withChain, [rule("a", { ...x.saddr, len: 65 })]),
  refused("EOPNOTSUPP", "payload from an unknown base", withChain, [rule("a", { ...x.saddr, base: "#9" })]),
  refused("EINVAL", "payload without an offset", withChain, [
    rule("a", { expr: "payload", dreg: 1, base: "network", len: 4 }),
  ]),
  refused("EINVAL", "payload to no register", withChain, [
    rule("a", { expr: "payload", base: "network", offset: 12, len: 4 }),
  ]),
  refused("EOPNOTSUPP", "unknown meta key", withChain, [rule("a", { expr: "meta", dreg: 1, key: "#99" })]),
  refused("EOPNOTSUPP", "meta that cannot be set", withChain, [
    rule("a", x.load, { expr: "meta", sreg: 1, key: "len" }),
  ]),
  refused("EINVAL", "meta to read and set", withChain, [
    rule("a", x.load, { expr: "meta", sreg: 1, dreg: 1, key: "mark" }),
  ]),
  refused("EOPNOTSUPP", "unknown ct key", withChain, [rule("a", { expr: "ct", dreg: 1, key: "#99" })]),
  refused("EINVAL", "ct address without a direction", withChain, [rule("a", { expr: "ct", dreg: 1, key: "srcIp" })]),
  refused("EINVAL", "ct state with a direction", withChain, [
    rule("a", { expr: "ct", dreg: 1, key: "state", direction: "original" }),
  ]),
  ok(
    "fib",
    [addTable, chain("a", base.prerouting)],
    [rule("a", { expr: "fib", dreg: 1, result: "addrtype", flags: ["daddr"] })],
  ),
  refused("EINVAL", "fib without an address", withChain, [rule("a", { expr: "fib", dreg: 1, result: "addrtype" })]),
  refused("EINVAL", "fib of both addresses", withChain, [
    rule("a", { expr: "fib", dreg: 1, result: "addrtype", flags: ["saddr", "daddr"] }),
  ]),
  ok("rt", withChain, [rule("a", { expr: "rt", dreg: 1, key: "classid" })]),
  ok(
    "mss at forward",
    [addTable, chain("a", { type: "filter", hook: "forward", priority: 0 })],
    [
      rule(
        "a",
        { expr: "rt", dreg: 1, key: "tcpmss" },
        { expr: "byteorder", sreg: 1, dreg: 1, op: "hton", len: 2, size: 2 },
        { expr: "exthdr", sreg: 1, type: 2, offset: 2, len: 2, op: "tcpopt" },
      ),
    ],
  ),
  refused(
    "EOPNOTSUPP",
    "rt tcpmss at input",
    [addTable, chain("a", base.filter)],
    [rule("a", { expr: "rt", dreg: 1, key: "tcpmss" })],
  ),
  ok("payload written", withChain, [
    rule("a", x.load, {
      expr: "payload",
      sreg: 1,
      base: "network",
      offset: 16,
      len: 4,
      csumType: "inet",
      csumOffset: 10,
      csumFlags: ["pseudoHeader"],
    }),
  ]),
  ok("payload written without a checksum", withChain, [
    rule("a", x.load, { expr: "payload", sreg: 1, base: "network", offset: 16, len: 4 }),
  ]),
  ok("mark set", withChain, [rule("a", x.load, { expr: "meta", sreg: 1, key: "mark" })]),
  ok("ct mark set", withChain, [rule("a", x.load, { expr: "ct", sreg: 1, key: "mark" })]),
  refused("EOPNOTSUPP", "ct state set", withChain, [rule("a", x.load, { expr: "ct", sreg: 1, key: "state" })]),
  ok("ct address", withChain, [rule("a", { expr: "ct", dreg: 1, key: "dstIp", direction: "original" })]),
  ok("ct bytes of a direction", withChain, [rule("a", { expr: "ct", dreg: 1, key: "bytes", direction: "reply" })]),
  refused("EINVAL", "tcp option written with flags", withChain, [
    rule("a", x.load, { expr: "exthdr", sreg: 1, type: 2, offset: 2, len: 2, op: "tcpopt", flags: [] }),
  ]),
  ok("tcp option read", withChain, [rule("a", { expr: "exthdr", dreg: 1, type: 2, offset: 2, len: 2, op: "tcpopt" })]),
  refused(
    "EOPNOTSUPP",
    "fib of the incoming device at output",
    [addTable, chain("a", { type: "filter", hook: "output", priority: 0 })],
    [rule("a", { expr: "fib", dreg: 1, result: "oif", flags: ["saddr", "iif"] })],
  ),
];
