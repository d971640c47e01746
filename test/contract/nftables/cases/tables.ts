/** Tables. */
import { table, addTable, chain, rule, elements, as, sets, address, x, long } from "../fixtures.ts";
import { ok, refused, type Case } from "./case.ts";

export const tableCases: readonly Case[] = [
  ok("added twice", [], [addTable, addTable]),
  refused("EEXIST", "created twice", [addTable], [as(addTable, "create table")]),
  refused("ENOENT", "deleted and not there", [], [{ step: "delete table", table }]),
  ok("destroyed and not there", [], [{ step: "destroy table", table }]),
  ok(
    "deleted with all that it holds",
    [addTable, chain("a"), sets.plain, rule("a", x.counter), elements("s", { key: address(1) })],
    [{ step: "delete table", table }],
  ),
  ok("deleted and added again", [addTable, chain("a")], [{ step: "delete table", table }, addTable]),
  ok("name of 255 bytes", [], [{ step: "add table", table: { family: "ip", name: long(255) } }]),
  refused("ERANGE", "name of 256 bytes", [], [{ step: "add table", table: { family: "ip", name: long(256) } }]),
  ok("no name", [], [{ step: "add table", table: { family: "ip", name: "" } }]),
  ok("made dormant", [addTable], [{ step: "add table", table, flags: ["dormant"] }]),
  ok("woken", [{ step: "add table", table, flags: ["dormant"] }], [addTable]),
  refused("EOPNOTSUPP", "unknown flag", [], [{ step: "add table", table, flags: ["#16"] }]),
  refused(
    "EOPNOTSUPP",
    "unknown flag of one that is there",
    [addTable],
    [{ step: "add table", table, flags: ["#16"] }],
  ),
  refused("ENOENT", "flushed and not there", [], [{ step: "flush table", table }]),
  ok("flushed", [addTable, chain("a"), rule("a")], [{ step: "flush table", table }]),
  ok(
    "comment changed",
    [{ step: "add table", table, userdata: { comment: "old" } }],
    [{ step: "add table", table, userdata: { comment: "new" } }],
  ),
  ok(
    "comment changed",
    [{ step: "add table", table, userdata: { comment: "old" } }],
    [{ step: "add table", table, userdata: { comment: "new" } }],
  ),
  ok("flags at the start", [], [{ step: "add table", table, flags: ["dormant"], userdata: { comment: "why" } }]),
];
