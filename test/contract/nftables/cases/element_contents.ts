/** What elements hold: verdicts, objects, timeouts, expressions; and those that catch all. */
import {
  addTable,
  chain,
  base,
  rule,
  set,
  elements,
  object,
  as,
  sets,
  counter,
  address,
  x,
  lookup,
  verdict,
  value,
  withChain,
  withSet,
  withMap,
} from "../fixtures.ts";
import { ok, refused, type Case } from "./case.ts";

export const elementContentCases: readonly Case[] = [
  refused("EINVAL", "verdict in a data map", withMap, [elements("m", verdict("accept"))]),
  refused("EINVAL", "data in a verdict map", [addTable, sets.verdicts], [elements("v", value(1, 0, 80))]),
  ok("verdict", [...withChain, sets.verdicts], [elements("v", verdict("goto", "a"))]),
  refused("ENOENT", "verdict to no chain", [...withChain, sets.verdicts], [elements("v", verdict("goto", "b"))]),
  ok(
    "verdict to a chain of the same transaction",
    [addTable, sets.verdicts],
    [chain("b"), elements("v", verdict("goto", "b"))],
  ),
  refused(
    "EOPNOTSUPP",
    "verdict to a base chain",
    [addTable, sets.verdicts, chain("b", base.filter)],
    [elements("v", verdict("goto", "b"))],
  ),
  refused("EINVAL", "verdict without its chain", [...withChain, sets.verdicts], [elements("v", verdict("goto"))]),
  refused(
    "EEXIST",
    "another verdict",
    [...withChain, sets.verdicts, elements("v", verdict("accept"))],
    [elements("v", verdict("drop"))],
  ),
  ok(
    "the same verdict",
    [...withChain, sets.verdicts, elements("v", verdict("goto", "a"))],
    [elements("v", verdict("goto", "a"))],
  ),
  ok(
    "verdict back to the chain that looks it up",
    [...withChain, sets.verdicts, rule("a", x.saddr, lookup("v", 0))],
    [elements("v", verdict("goto", "a"))],
  ),
  refused("EINVAL", "timeout where there are none", withSet, [elements("s", { key: address(1), timeoutMs: 1000 })]),
  refused("EINVAL", "expiration where there are none", withSet, [
    elements("s", { key: address(1), expirationMs: 1000 }),
  ]),
  ok("timeout", [addTable, sets.timeouts], [elements("w", { key: address(1), timeoutMs: 60_000 })]),
  ok(
    "default timeout",
    [addTable, set("w", { flags: ["timeout"], timeoutMs: 60_000 })],
    [elements("w", { key: address(1) })],
  ),
  ok("counter of its own", withSet, [
    elements("s", { key: address(1), expressions: [{ expr: "counter", bytes: 5n, packets: 1n }] }),
  ]),
  ok(
    "counter where the set has one",
    [addTable, set("s", { flags: ["eval"], size: 9, expressions: [{ expr: "counter" }] })],
    [elements("s", { key: address(1) })],
  ),
  refused(
    "EOPNOTSUPP",
    "limit where the set has a counter",
    [addTable, set("s", { flags: ["eval"], size: 9, expressions: [{ expr: "counter" }] })],
    [elements("s", { key: address(1), expressions: [{ expr: "quota", bytes: 5n }] })],
  ),
  ok("object", [addTable, counter, sets.counters], [elements("o", { key: address(1), object: "c" })]),
  refused(
    "ENOENT",
    "object that is not there",
    [addTable, sets.counters],
    [elements("o", { key: address(1), object: "c" })],
  ),
  refused(
    "EINVAL",
    "no object in an object map",
    [addTable, counter, sets.counters],
    [elements("o", { key: address(1) })],
  ),
  refused("EINVAL", "object in a plain set", [...withSet, counter], [elements("s", { key: address(1), object: "c" })]),
  ok("catch-all", withMap, [elements("m", { flags: ["catchall"], data: { value: Uint8Array.of(0, 80) } })]),
  refused("EINVAL", "catch-all with a key", withSet, [elements("s", { key: address(1), flags: ["catchall"] })]),
  ok("catch-all twice", [...withSet, elements("s", { flags: ["catchall"] })], [elements("s", { flags: ["catchall"] })]),
  refused(
    "EEXIST",
    "catch-all created twice",
    [...withSet, elements("s", { flags: ["catchall"] })],
    [as(elements("s", { flags: ["catchall"] }), "create elements")],
  ),
  ok(
    "catch-all deleted",
    [...withSet, elements("s", { flags: ["catchall"] })],
    [as(elements("s", { flags: ["catchall"] }), "delete elements")],
  ),
  refused("ENOENT", "catch-all deleted and not there", withSet, [
    as(elements("s", { flags: ["catchall"] }), "delete elements"),
  ]),
  ok(
    "timeout that is the default",
    [addTable, set("w", { flags: ["timeout"], timeoutMs: 60_000 })],
    [elements("w", { key: address(1), timeoutMs: 60_000 })],
  ),
  ok(
    "timeout beside the default",
    [addTable, set("w", { flags: ["timeout"], timeoutMs: 60_000 })],
    [elements("w", { key: address(1), timeoutMs: 30_000 })],
  ),
  ok(
    "timeout of 0",
    [addTable, set("w", { flags: ["timeout"], timeoutMs: 60_000 })],
    [elements("w", { key: address(1), timeoutMs: 0 })],
  ),
  ok(
    "timeout and what is left of it",
    [addTable, sets.timeouts],
    [elements("w", { key: address(1), timeoutMs: 60_000, expirationMs: 30_000 })],
  ),
  refused(
    "ERANGE",
    "more left than the timeout",
    [addTable, sets.timeouts],
    [elements("w", { key: address(1), timeoutMs: 30_000, expirationMs: 60_000 })],
  ),
  refused(
    "EOPNOTSUPP",
    "left without a timeout",
    [addTable, sets.timeouts],
    [elements("w", { key: address(1), expirationMs: 60_000 })],
  ),
  ok(
    "timeout changed",
    [addTable, sets.timeouts, elements("w", { key: address(1), timeoutMs: 60_000 })],
    [elements("w", { key: address(1), timeoutMs: 90_000 })],
  ),
  ok("two expressions", withSet, [
    elements("s", { key: address(1), expressions: [{ expr: "counter" }, { expr: "last" }] }),
  ]),
  refused("E2BIG", "three expressions", withSet, [
    elements("s", {
      key: address(1),
      expressions: [{ expr: "counter" }, { expr: "last" }, { expr: "quota", bytes: 5n }],
    }),
  ]),
  ok(
    "catch-all beyond the size",
    [addTable, set("s", { size: 1 }), elements("s", { key: address(1) })],
    [elements("s", { flags: ["catchall"] })],
  ),
  refused(
    "EEXIST",
    "catch-all with other data",
    [...withMap, elements("m", { flags: ["catchall"], data: { value: Uint8Array.of(0, 80) } })],
    [elements("m", { flags: ["catchall"], data: { value: Uint8Array.of(0, 81) } })],
  ),
  refused(
    "EINVAL",
    "verdict with data",
    [...withChain, sets.verdicts],
    [elements("v", { key: address(1), data: { verdict: { code: "accept" }, value: Uint8Array.of(1) } })],
  ),
  refused(
    "EINVAL",
    "verdict that queues",
    [...withChain, sets.verdicts],
    [elements("v", { key: address(1), data: { verdict: { code: "queue" } } })],
  ),
  ok("jump from a verdict map", [...withChain, sets.verdicts], [elements("v", verdict("jump", "a"))]),
  refused(
    "EEXIST",
    "object changed",
    [
      addTable,
      counter,
      object({ objectName: "c2", kind: "counter" }),
      sets.counters,
      elements("o", { key: address(1), object: "c" }),
    ],
    [elements("o", { key: address(1), object: "c2" })],
  ),
];
