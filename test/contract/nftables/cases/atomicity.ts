/** Transactions that fail at the end. */
import { table, addTable, chain, base, rule, elements, as, sets, counter, address, x, value } from "../fixtures.ts";
import { refused, type Case } from "./case.ts";

export const atomicityCases: readonly Case[] = [
  refused(
    "ENOENT",
    "the last step fails",
    [addTable, chain("a"), rule("a", x.counter), sets.map, elements("m", value(1, 0, 80))],
    [
      chain("b"),
      rule("a", x.accept),
      elements("m", value(2, 0, 80)),
      { step: "flush chain", table, name: "a" },
      as(elements("m", { key: address(1) }), "delete elements"),
      { step: "delete chain", table, name: "none" },
    ],
  ),
  refused(
    "ENOENT",
    "delete and fail",
    [addTable, chain("a", base.filter), sets.plain, counter],
    [{ step: "delete table", table }, addTable, chain("c"), { step: "delete set", table, name: "s" }],
  ),
];
