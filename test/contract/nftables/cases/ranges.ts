/** Elements of intervals of several parts. */
import { elements, as, address, range, withRanges } from "../fixtures.ts";
import { ok, refused, type Case } from "./case.ts";

export const rangeCases: readonly Case[] = [
  ok("apart", withRanges, [elements("r", range(30, 80, 40, 90))]),
  ok("apart in the second part only", withRanges, [elements("r", range(10, 91, 20, 99))]),
  ok("the same", withRanges, [elements("r", range(10, 80, 20, 90))]),
  refused("EEXIST", "the same, created", withRanges, [as(elements("r", range(10, 80, 20, 90)), "create elements")]),
  refused("EEXIST", "within", withRanges, [elements("r", range(12, 82, 18, 88))]),
  ok("around", withRanges, [elements("r", range(5, 70, 25, 99))]),
  refused("EEXIST", "over the start", withRanges, [elements("r", range(5, 80, 15, 90))]),
  ok("without an end", withRanges, [elements("r", { key: range(30, 80, 40, 90).key! })]),
  refused("EINVAL", "backwards", withRanges, [elements("r", range(40, 80, 30, 90))]),
  ok("deleted", withRanges, [as(elements("r", range(10, 80, 20, 90)), "delete elements")]),
  ok("deleted by its start", withRanges, [as(elements("r", { key: range(10, 80, 20, 90).key! }), "delete elements")]),
  ok("deleted and not there", withRanges, [as(elements("r", range(11, 80, 20, 90)), "delete elements")]),
  refused("EINVAL", "end too short", withRanges, [
    elements("r", { key: range(30, 80, 40, 90).key!, keyEnd: address(40) }),
  ]),
];
