/** Rules: their places, and where their verdicts lead. */
import { table, addTable, chain, base, rule, x, jump, withChain, depth } from "../fixtures.ts";
import { ok, refused, type Case } from "./case.ts";

export const ruleCases: readonly Case[] = [
  refused("ENOENT", "in no table", [], [rule("a")]),
  refused("ENOENT", "in no chain", [addTable], [rule("a")]),
  ok("without expressions", withChain, [rule("a")]),
  refused("ENOENT", "behind none", withChain, [
    { step: "add rule", table, chain: "a", rule: { expressions: [] }, position: 999 },
  ]),
  refused("ENOENT", "before none", withChain, [
    { step: "insert rule", table, chain: "a", rule: { expressions: [] }, position: 999 },
  ]),
  refused("ENOENT", "replaced and not there", withChain, [
    { step: "replace rule", table, chain: "a", handle: 999, rule: { expressions: [] } },
  ]),
  refused("ENOENT", "deleted and not there", withChain, [{ step: "delete rule", table, chain: "a", handle: 999 }]),
  ok("destroyed and not there", withChain, [{ step: "destroy rule", table, chain: "a", handle: 999 }]),
  ok("insert and add", withChain, [
    rule("a", x.accept),
    { step: "insert rule", table, chain: "a", rule: { expressions: [x.counter] } },
  ]),
  refused("ENOENT", "jump to no chain", withChain, [rule("a", jump("b"))]),
  refused("EOPNOTSUPP", "jump to a base chain", [...withChain, chain("b", base.filter)], [rule("a", jump("b"))]),
  ok("jump to itself", withChain, [rule("a", jump("a"))]),
  refused(
    "EMLINK",
    "jump to itself from a base chain's reach",
    [...withChain, chain("b", base.filter), rule("b", jump("a"))],
    [rule("a", jump("a"))],
  ),
  ok("jump in a circle", [...withChain, chain("b"), rule("b", jump("a"))], [rule("a", jump("b"))]),
  ok("goto in a circle", [...withChain, chain("b"), rule("b", jump("a", "goto"))], [rule("a", jump("b", "goto"))]),
  refused(
    "EMLINK",
    "goto in a circle under a base chain",
    [...withChain, chain("b"), rule("b", jump("a", "goto")), chain("f", base.filter), rule("f", jump("a"))],
    [rule("a", jump("b", "goto"))],
  ),
  ok("jumps 15 deep", depth(15), [rule("base", jump("d0"))]),
  refused("EMLINK", "jumps 16 deep", depth(16), [rule("base", jump("d0"))]),
  refused("EMLINK", "jumps 17 deep", depth(17), [rule("base", jump("d0"))]),
  ok("jumps 20 deep without a base chain", depth(20), [rule("d19", x.accept)]),
  refused("EINVAL", "jump without a chain", withChain, [
    rule("a", { expr: "immediate", dreg: 0, data: { verdict: { code: "jump" } } }),
  ]),
  ok("accept with a chain", withChain, [
    rule("a", { expr: "immediate", dreg: 0, data: { verdict: { code: "accept", chain: "a" } } }),
  ]),
  refused("EINVAL", "queue as a verdict", withChain, [
    rule("a", { expr: "immediate", dreg: 0, data: { verdict: { code: "queue" } } }),
  ]),
  refused("EINVAL", "unknown verdict", withChain, [
    rule("a", { expr: "immediate", dreg: 0, data: { verdict: { code: "#77" } } }),
  ]),
  refused("EINVAL", "verdict without a code", withChain, [
    rule("a", { expr: "immediate", dreg: 0, data: { verdict: {} } }),
  ]),
  refused("EINVAL", "verdict in a data register", withChain, [
    rule("a", { expr: "immediate", dreg: 1, data: { verdict: { code: "accept" } } }),
  ]),
  refused("ENOENT", "unknown expression", withChain, [rule("a", { expr: "other", name: "magic" })]),
  ok("128 expressions", withChain, [rule("a", ...Array.from({ length: 128 }, () => x.counter))]),
  refused("EINVAL", "129 expressions", withChain, [rule("a", ...Array.from({ length: 129 }, () => x.counter))]),
  ok("userdata of 256 bytes", withChain, [
    {
      step: "add rule",
      table,
      chain: "a",
      rule: { expressions: [], userdata: { raw: new Uint8Array(256).fill(255) } },
    },
  ]),
  refused("ERANGE", "userdata of 257 bytes", withChain, [
    {
      step: "add rule",
      table,
      chain: "a",
      rule: { expressions: [], userdata: { raw: new Uint8Array(257).fill(255) } },
    },
  ]),
  ok("comment", withChain, [
    { step: "add rule", table, chain: "a", rule: { expressions: [x.counter], userdata: { comment: "why" } } },
  ]),
  ok("destroyed in no chain", [addTable], [{ step: "destroy rule", table, chain: "a", handle: 9 }]),
  refused("ENOENT", "destroyed in no table", [], [{ step: "destroy rule", table, chain: "a", handle: 9 }]),
];
