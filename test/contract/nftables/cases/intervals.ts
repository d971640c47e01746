/** Elements of intervals of one part. */
import { addTable, elements, as, sets, address, interval, value, withIntervals } from "../fixtures.ts";
import { ok, refused, type Case } from "./case.ts";

export const intervalCases: readonly Case[] = [
  ok("apart", withIntervals, [elements("i", ...interval(30, 40))]),
  ok("behind, touching", withIntervals, [elements("i", ...interval(20, 30))]),
  ok("before, touching", withIntervals, [elements("i", ...interval(5, 10))]),
  ok("the same", withIntervals, [elements("i", ...interval(10, 20))]),
  refused("EEXIST", "the same, created", withIntervals, [as(elements("i", ...interval(10, 20)), "create elements")]),
  refused("EEXIST", "within", withIntervals, [elements("i", ...interval(12, 18))]),
  refused("EEXIST", "around", withIntervals, [elements("i", ...interval(5, 25))]),
  refused("EEXIST", "over the start", withIntervals, [elements("i", ...interval(5, 15))]),
  refused("EEXIST", "over the end", withIntervals, [elements("i", ...interval(15, 25))]),
  refused("EEXIST", "same start, shorter", withIntervals, [elements("i", ...interval(10, 15))]),
  refused("EEXIST", "same start, longer", withIntervals, [elements("i", ...interval(10, 25))]),
  refused("EEXIST", "same end, shorter", withIntervals, [elements("i", ...interval(15, 20))]),
  ok("same end, longer", withIntervals, [elements("i", ...interval(5, 20))]),
  ok("deleted", withIntervals, [as(elements("i", ...interval(10, 20)), "delete elements")]),
  refused("ENOENT", "deleted and not there", withIntervals, [
    as(elements("i", ...interval(11, 20)), "delete elements"),
  ]),
  ok("deleted and added wider", withIntervals, [
    as(elements("i", ...interval(10, 20)), "delete elements"),
    elements("i", ...interval(5, 25)),
  ]),
  refused("EINVAL", "range in intervals of one part", withIntervals, [
    elements("i", { key: address(30), keyEnd: address(40) }),
  ]),
  ok(
    "first from 0",
    [addTable, sets.intervals],
    [elements("i", { key: address(0) }, { key: address(9), flags: ["intervalEnd"] })],
  ),
  ok("end alone, below", withIntervals, [elements("i", { key: address(0), flags: ["intervalEnd"] })]),
  ok("start alone, behind", withIntervals, [elements("i", { key: address(40) })]),
  ok(
    "with data",
    [
      addTable,
      { ...sets.intervals, set: { ...sets.intervals.set, flags: ["interval", "map"], dataType: 13, dataLen: 2 } },
    ],
    [elements("i", value(1, 0, 80), { key: address(9), flags: ["intervalEnd"] })],
  ),
  refused(
    "EINVAL",
    "end with data",
    [
      addTable,
      { ...sets.intervals, set: { ...sets.intervals.set, flags: ["interval", "map"], dataType: 13, dataLen: 2 } },
    ],
    [elements("i", value(1, 0, 80), { ...value(9, 0, 80), flags: ["intervalEnd"] })],
  ),
  refused("EINVAL", "end with a comment", withIntervals, [
    elements("i", { key: address(30) }, { key: address(40), flags: ["intervalEnd"], userdata: { comment: "why" } }),
  ]),
];
