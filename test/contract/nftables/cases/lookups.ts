/** Expressions that use sets and objects. */
import { table, rule, set, sets, counter, address, x, lookup, withChain } from "../fixtures.ts";
import { ok, refused, type Case } from "./case.ts";

export const lookupCases: readonly Case[] = [
  refused("ENOENT", "lookup in no set", withChain, [rule("a", x.saddr, lookup("s"))]),
  ok("lookup in a set", [...withChain, sets.plain], [rule("a", x.saddr, lookup("s"))]),
  refused(
    "EINVAL",
    "lookup in a set with a destination",
    [...withChain, sets.plain],
    [rule("a", x.saddr, lookup("s", 1))],
  ),
  ok("lookup in a map", [...withChain, sets.map], [rule("a", x.saddr, lookup("m", 1))]),
  ok("lookup in a map without a destination", [...withChain, sets.map], [rule("a", x.saddr, lookup("m"))]),
  refused(
    "EINVAL",
    "lookup in a data map with a verdict's destination",
    [...withChain, sets.map],
    [rule("a", x.saddr, lookup("m", 0))],
  ),
  ok("lookup in a verdict map", [...withChain, sets.verdicts], [rule("a", x.saddr, lookup("v", 0))]),
  refused(
    "EINVAL",
    "lookup in a verdict map with a data register",
    [...withChain, sets.verdicts],
    [rule("a", x.saddr, lookup("v", 1))],
  ),
  refused(
    "EINVAL",
    "lookup inverted with a destination",
    [...withChain, sets.map],
    [rule("a", x.saddr, { expr: "lookup", set: "m", sreg: 1, dreg: 1, flags: ["inv"] })],
  ),
  ok(
    "lookup inverted",
    [...withChain, sets.plain],
    [rule("a", x.saddr, { expr: "lookup", set: "s", sreg: 1, flags: ["inv"] })],
  ),
  refused("ENODATA", "lookup of an unloaded register", [...withChain, sets.plain], [rule("a", lookup("s"))]),
  ok(
    "lookup of fewer bytes than the key has",
    [...withChain, sets.plain],
    [rule("a", { ...x.saddr, len: 2 }, lookup("s"))],
  ),
  ok("objref", [...withChain, counter], [rule("a", { expr: "objref", type: "counter", name: "c" })]),
  refused("ENOENT", "objref to nothing", withChain, [rule("a", { expr: "objref", type: "counter", name: "c" })]),
  refused(
    "ENOENT",
    "objref of another type",
    [...withChain, counter],
    [rule("a", { expr: "objref", type: "quota", name: "c" })],
  ),
  ok("objref in a map", [...withChain, sets.counters], [rule("a", x.saddr, { expr: "objref", sreg: 1, setName: "o" })]),
  refused(
    "EINVAL",
    "objref in a set without objects",
    [...withChain, sets.plain],
    [rule("a", x.saddr, { expr: "objref", sreg: 1, setName: "s" })],
  ),
  ok(
    "dynset",
    [...withChain, sets.dynamic],
    [rule("a", x.saddr, { expr: "dynset", setName: "d", op: "update", sregKey: 1, timeoutMs: 5000 })],
  ),
  ok(
    "dynset with a counter",
    [...withChain, sets.dynamic],
    [
      rule("a", x.saddr, {
        expr: "dynset",
        setName: "d",
        op: "add",
        sregKey: 1,
        flags: ["expr"],
        expressions: [{ expr: "counter" }],
      }),
    ],
  ),
  ok(
    "dynset into a set that is not dynamic",
    [...withChain, sets.timeouts],
    [rule("a", x.saddr, { expr: "dynset", setName: "w", op: "add", sregKey: 1 })],
  ),
  refused(
    "EOPNOTSUPP",
    "dynset with a timeout where there are none",
    [...withChain, set("d", { flags: ["eval"], size: 9 })],
    [rule("a", x.saddr, { expr: "dynset", setName: "d", op: "add", sregKey: 1, timeoutMs: 5000 })],
  ),
  ok(
    "dynset update without timeouts",
    [...withChain, set("d", { flags: ["eval"], size: 9 })],
    [rule("a", x.saddr, { expr: "dynset", setName: "d", op: "update", sregKey: 1 })],
  ),
  refused("ENOENT", "dynset into no set", withChain, [
    rule("a", x.saddr, { expr: "dynset", setName: "d", op: "add", sregKey: 1 }),
  ]),
  refused(
    "EOPNOTSUPP",
    "dynset with an unknown operation",
    [...withChain, sets.dynamic],
    [rule("a", x.saddr, { expr: "dynset", setName: "d", op: "#7", sregKey: 1 })],
  ),
  refused(
    "EOPNOTSUPP",
    "dynset with data into a set",
    [...withChain, sets.dynamic],
    [rule("a", x.saddr, { expr: "dynset", setName: "d", op: "add", sregKey: 1, sregData: 1 })],
  ),
  ok("lookup in a verdict map without a destination", [...withChain, sets.verdicts], [rule("a", x.saddr, lookup("v"))]),
  refused(
    "EINVAL",
    "lookup with an unknown flag",
    [...withChain, sets.plain],
    [rule("a", x.saddr, { expr: "lookup", set: "s", sreg: 1, flags: ["#64"] })],
  ),
  ok("lookup in an anonymous set", withChain, [
    set("__set%d", { flags: ["anonymous", "constant"], id: 7 }),
    { step: "add elements", table, set: "__set%d", elements: [{ key: address(1) }] },
    rule("a", x.saddr, { expr: "lookup", set: "__set%d", setId: 7, sreg: 1 }),
  ]),
  ok(
    "anonymous set goes with its rule",
    [
      ...withChain,
      set("__set%d", { flags: ["anonymous", "constant"], id: 7 }),
      rule("a", x.saddr, { expr: "lookup", set: "__set%d", setId: 7, sreg: 1 }),
    ],
    [{ step: "flush chain", table, name: "a" }],
  ),
  refused(
    "EOPNOTSUPP",
    "dynset into a set of fixed size",
    [...withChain, set("d", { size: 9 })],
    [rule("a", x.saddr, { expr: "dynset", setName: "d", op: "add", sregKey: 1 })],
  ),
  refused(
    "EOPNOTSUPP",
    "dynset into intervals",
    [...withChain, sets.intervals],
    [rule("a", x.saddr, { expr: "dynset", setName: "i", op: "add", sregKey: 1 })],
  ),
  ok(
    "dynset into a map",
    [...withChain, { ...sets.map, set: { ...sets.map.set, flags: ["map", "eval"] } }],
    [rule("a", x.saddr, { expr: "dynset", setName: "m", op: "add", sregKey: 1, sregData: 1 })],
  ),
  refused(
    "EINVAL",
    "dynset into a map without data",
    [...withChain, { ...sets.map, set: { ...sets.map.set, flags: ["map", "eval"] } }],
    [rule("a", x.saddr, { expr: "dynset", setName: "m", op: "add", sregKey: 1 })],
  ),
  refused(
    "EINVAL",
    "dynset with a counter into a set that is not dynamic",
    [...withChain, sets.timeouts],
    [
      rule("a", x.saddr, {
        expr: "dynset",
        setName: "w",
        op: "add",
        sregKey: 1,
        flags: ["expr"],
        expressions: [{ expr: "counter" }],
      }),
    ],
  ),
  ok(
    "dynset delete",
    [...withChain, sets.dynamic],
    [rule("a", x.saddr, { expr: "dynset", setName: "d", op: "delete", sregKey: 1, flags: ["inv"] })],
  ),
];
