/** Random transactions over a handful of names, so that steps meet each other. */
import fc from "../../fixtures/property.ts";
import type { Expression } from "../../../src/kernel/netlink/nftables/expressions/index.ts";
import type { NftElement, NftSet, NftTableRef } from "../../../src/kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../../src/kernel/netlink/nftables/step.ts";
import { address, base, interval, jump, lookup, object, range, sets, table, value, verdict, x } from "./fixtures.ts";

const inet: NftTableRef = { family: "inet", name: "t" };
const someTable: fc.Arbitrary<NftTableRef> = fc.oneof(
  { weight: 15, arbitrary: fc.constant(table) },
  { weight: 1, arbitrary: fc.constant(inet) },
);
const someChain = fc.constantFrom("a", "b", "c", "f", "pre");
const nth = fc.nat({ max: 1 });

const chainStep = fc.oneof(
  fc.record({
    step: fc.constantFrom("add chain" as const, "add chain" as const, "create chain" as const),
    chain: fc.constantFrom(
      { name: "a" },
      { name: "b" },
      { name: "c" },
      { name: "f", base: base.filter },
      { name: "f", base: { ...base.filter, policy: "drop" } as const },
      { name: "pre", base: base.prerouting },
      { name: "a", base: base.filter },
      { name: "bad", base: { type: "nat", hook: "forward", priority: 0 } as const },
    ),
  }),
  fc.record({
    step: fc.constantFrom("delete chain" as const, "flush chain" as const, "flush chain" as const),
    name: someChain,
  }),
);

const someExpression = fc.constantFrom<Expression>(
  x.saddr,
  x.saddr,
  x.isAddress,
  x.accept,
  x.counter,
  x.load,
  x.dnat,
  jump("a"),
  jump("b"),
  jump("c", "goto"),
  jump("f"),
  lookup("s"),
  lookup("v", 0),
  lookup("m", 1),
  lookup("i"),
  { expr: "objref", type: "counter", name: "c" },
  { expr: "dynset", setName: "d", op: "update", sregKey: 1, timeoutMs: 5000 },
  { expr: "numgen", dreg: 1, modulus: 2, type: "random" },
);
/** Most rules load what they read: registers that are not loaded are the cases' business. */
function readsRegister(expression: Expression): boolean {
  return expression.expr === "cmp" || ("sreg" in expression && expression.expr !== "payload");
}

const someRule = fc
  .array(someExpression, { maxLength: 3 })
  .map((rest) => ({ expressions: rest.some(readsRegister) ? [x.saddr, ...rest] : rest }));

const ruleStep = fc.oneof(
  fc.record(
    {
      step: fc.constantFrom("add rule" as const, "add rule" as const, "insert rule" as const),
      chain: someChain,
      rule: someRule,
      position: nth,
    },
    { requiredKeys: ["step", "chain", "rule"], noNullPrototype: true },
  ),
  fc.record({ step: fc.constant("replace rule" as const), chain: someChain, handle: nth, rule: someRule }),
  fc.record({
    step: fc.constantFrom("delete rule" as const, "destroy rule" as const),
    chain: someChain,
    handle: nth,
  }),
);

const allSets: readonly NftSet[] = Object.values(sets).flatMap((step) => ("set" in step ? [step.set as NftSet] : []));
const someSet = fc.constantFrom("s", "m", "v", "i", "r", "w", "d", "o");

const setStep = fc.oneof(
  fc.record({
    step: fc.constantFrom("add set" as const, "add set" as const, "create set" as const),
    set: fc.constantFrom(...allSets, { ...allSets[0]!, size: 2 }, { ...allSets[0]!, keyLen: 8 }),
  }),
  fc.record({
    step: fc.constantFrom("destroy set" as const, "flush set" as const, "flush set" as const),
    name: someSet,
  }),
);

const last = fc.integer({ min: 1, max: 6 });
const plain = last.map((n): NftElement => ({ key: address(n) }));
/** Elements that each set takes, and now and then one that it does not. */
const elementsOf: Readonly<Record<string, fc.Arbitrary<readonly NftElement[]>>> = {
  s: fc.array(plain, { maxLength: 3 }),
  m: fc.array(
    fc.tuple(last, fc.integer({ min: 80, max: 81 })).map(([n, port]) => value(n, 0, port)),
    { maxLength: 3 },
  ),
  v: fc.array(fc.constantFrom(verdict("accept"), verdict("goto", "a"), verdict("goto", "b"), verdict("jump", "f")), {
    maxLength: 2,
  }),
  i: fc
    .tuple(last, fc.integer({ min: 1, max: 4 }))
    .map(([from, length]) => interval(10 * from, 10 * from + 5 * length)),
  r: fc.array(
    fc.tuple(last, fc.nat({ max: 2 }), last, fc.nat({ max: 2 })).map(([a, b, c, d]) => range(a, c, a + b, c + d)),
    { maxLength: 2 },
  ),
  w: fc.array(
    fc.tuple(last, fc.constantFrom(60_000, 90_000)).map(([n, timeoutMs]) => ({ key: address(n), timeoutMs })),
    { maxLength: 2 },
  ),
  d: fc.array(plain, { maxLength: 2 }),
  o: fc.array(
    fc.tuple(last, fc.constantFrom("c", "none")).map(([n, name]) => ({ key: address(n), object: name })),
    { maxLength: 2 },
  ),
};

const elementStep = fc.constantFrom(...Object.keys(elementsOf)).chain((name) =>
  fc.record({
    step: fc.constantFrom(
      "add elements" as const,
      "add elements" as const,
      "add elements" as const,
      "create elements" as const,
      "delete elements" as const,
      "destroy elements" as const,
      "destroy elements" as const,
    ),
    set: fc.constant(name),
    elements: fc.oneof({ weight: 9, arbitrary: elementsOf[name]! }, { weight: 1, arbitrary: elementsOf["m"]! }),
  }),
);

const objectStep = fc.oneof(
  fc.record({
    step: fc.constantFrom("add object" as const, "create object" as const),
    object: fc.constantFrom(
      { objectName: "c", kind: "counter" } as const,
      { objectName: "q", kind: "quota", bytes: 5n } as const,
      { objectName: "q", kind: "quota", bytes: 6n } as const,
    ),
  }),
  fc.record({
    step: fc.constantFrom("delete object" as const, "destroy object" as const),
    kind: fc.constantFrom("counter" as const, "quota" as const),
    name: fc.constantFrom("c", "q"),
  }),
);

const tableStep = fc.record({
  step: fc.constantFrom("add table" as const, "create table" as const, "delete table" as const, "flush table" as const),
});

const anyStep: fc.Arbitrary<NftStep> = fc
  .tuple(
    someTable,
    fc.oneof(
      { weight: 1, arbitrary: tableStep },
      { weight: 3, arbitrary: chainStep },
      { weight: 5, arbitrary: ruleStep },
      { weight: 3, arbitrary: setStep },
      { weight: 6, arbitrary: elementStep },
      { weight: 2, arbitrary: objectStep },
    ),
  )
  .map(([where, step]) => ({ ...step, table: where }));

/** What most steps need to meet something. */
const furnished: readonly NftStep[] = [
  { step: "add table", table },
  ...["a", "b", "c"].map((name): NftStep => ({ step: "add chain", table, chain: { name } })),
  { step: "add chain", table, chain: { name: "f", base: base.filter } },
  { step: "add chain", table, chain: { name: "pre", base: base.prerouting } },
  ...Object.values(sets),
  object({ objectName: "c", kind: "counter" }),
];

const anyTransaction: fc.Arbitrary<readonly NftStep[]> = fc.array(anyStep, { minLength: 1, maxLength: 3 });

/** Transactions one after another; three of four walks start in a furnished table. */
export const anyWalk: fc.Arbitrary<readonly (readonly NftStep[])[]> = fc
  .tuple(fc.constantFrom([furnished], [furnished], [furnished], []), fc.array(anyTransaction, { maxLength: 10 }))
  .map(([start, rest]) => [...start, ...rest]);
