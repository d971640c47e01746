/** Named objects. */
import { table, addTable, rule, elements, object, as, sets, counter, address, long, withChain } from "../fixtures.ts";
import { ok, refused, type Case } from "./case.ts";

export const objectCases: readonly Case[] = [
  refused("ENOENT", "in no table", [], [counter]),
  ok("added twice", [addTable, counter], [counter]),
  refused("EEXIST", "created twice", [addTable, counter], [as(counter, "create object")]),
  refused(
    "ENOENT",
    "deleted and not there",
    [addTable],
    [{ step: "delete object", table, kind: "counter", name: "c" }],
  ),
  ok("destroyed and not there", [addTable], [{ step: "destroy object", table, kind: "counter", name: "c" }]),
  ok("deleted", [addTable, counter], [{ step: "delete object", table, kind: "counter", name: "c" }]),
  refused(
    "ENOENT",
    "deleted as another kind",
    [addTable, counter],
    [{ step: "delete object", table, kind: "quota", name: "c" }],
  ),
  refused(
    "EBUSY",
    "deleted while a rule uses it",
    [...withChain, counter, rule("a", { expr: "objref", type: "counter", name: "c" })],
    [{ step: "delete object", table, kind: "counter", name: "c" }],
  ),
  refused(
    "EBUSY",
    "deleted while an element uses it",
    [addTable, counter, sets.counters, elements("o", { key: address(1), object: "c" })],
    [{ step: "delete object", table, kind: "counter", name: "c" }],
  ),
  ok("same name, another kind", [addTable, counter], [object({ objectName: "c", kind: "quota", bytes: 5n })]),
  ok("quota", [addTable], [object({ objectName: "q", kind: "quota", bytes: 5n, flags: ["over"] })]),
  refused("EINVAL", "quota without bytes", [addTable], [object({ objectName: "q", kind: "quota" })]),
  ok(
    "quota changed",
    [addTable, object({ objectName: "q", kind: "quota", bytes: 5n })],
    [object({ objectName: "q", kind: "quota", bytes: 6n })],
  ),
  ok("limit", [addTable], [object({ objectName: "l", kind: "limit", rate: 5, unit: 1, burst: 5, type: "packets" })]),
  ok(
    "limit changed",
    [addTable, object({ objectName: "l", kind: "limit", rate: 5, unit: 1, burst: 5, type: "packets" })],
    [object({ objectName: "l", kind: "limit", rate: 6, unit: 1, burst: 5, type: "packets" })],
  ),
  ok("connlimit", [addTable], [object({ objectName: "n", kind: "connlimit", count: 5 })]),
  refused(
    "ENOENT",
    "unknown kind",
    [addTable],
    [object({ objectName: "u", kind: "other", name: "#99", data: new Uint8Array() })],
  ),
  refused("ERANGE", "name of 256 bytes", [addTable], [object({ objectName: long(256), kind: "counter" })]),
  ok(
    "comment",
    [addTable],
    [object({ objectName: "c", kind: "counter", bytes: 1n, packets: 2n, userdata: { comment: "why" } })],
  ),
  refused("ENOENT", "destroyed in no table", [], [{ step: "destroy object", table, kind: "counter", name: "c" }]),
  ok(
    "counter with what it counted",
    [addTable],
    [object({ objectName: "c", kind: "counter", bytes: 1500n, packets: 3n })],
  ),
  ok(
    "quota with what it consumed",
    [addTable],
    [object({ objectName: "q", kind: "quota", bytes: 1500n, consumed: 30n })],
  ),
];
