/** From what the table holds and what it should hold to the steps of one transaction. */
import type { Data } from "../../../kernel/netlink/nftables/data.ts";
import { listedExpression } from "../../../kernel/netlink/nftables/listed.ts";
import type { NftElement, NftSet, NftTable, NftTableRef } from "../../../kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../../kernel/netlink/nftables/step.ts";
import { eachDiffering, ElementSteps } from "./element_steps.ts";
import { fanOutChain, fanOutName, type RuledChain } from "./fan_out.ts";
import type { Expressions } from "./match.ts";
import type { NftablesOptions } from "./options.ts";
import type { Ruleset } from "./ruleset.ts";
import { rowBytes, setsOf } from "./sets.ts";
import { fixedChains, tableName } from "./table.ts";

export function tableOf({ family, table }: Pick<NftablesOptions, "family" | "table">): NftTableRef {
  return { family: family === "IPv4" ? "ip" : "ip6", name: table ?? tableName };
}

/** What changed since the kernel last held what was wanted; nothing else is looked at. */
export function planChanges(ruleset: Ruleset): readonly NftStep[] {
  const { options, changes } = ruleset;
  const table = tableOf(options);
  const fanOuts = [...changes.fanOuts];
  const come = fanOuts.flatMap(([name, isThere]) => (isThere ? [] : (ruleset.fanOut(name) ?? [])));
  const gone = fanOuts.filter(([name, isThere]) => isThere && !ruleset.fanOut(name));
  const elements = new ElementSteps(table, options.family);
  for (const set of elements.sets) {
    const wanted = ruleset.sets.get(set.name)!;
    for (const [key, before] of changes.elements.get(set.name) ?? []) set.change(key, before, wanted.get(key));
  }
  return [
    ...ruleSteps(ruleset),
    ...come.flatMap((fanOut) => chainSteps(table, fanOutChain(fanOut, options), true)),
    ...elements.steps,
    ...removalSteps(
      table,
      gone.map(([name]) => name),
    ),
  ];
}

/** First the rules of all of them: the kernel deletes no chain that has some, and one may jump to the other. */
function removalSteps(table: NftTableRef, chains: readonly string[]): readonly NftStep[] {
  return [
    ...chains.map((name): NftStep => ({ step: "flush chain", table, name })),
    ...chains.map((name): NftStep => ({ step: "delete chain", table, name })),
  ];
}

/** Chains that are there and whose rules other options make other rules. */
function ruleSteps(ruleset: Ruleset): readonly NftStep[] {
  const { options, changes } = ruleset;
  if (options === changes.options) return [];
  const staying = ruleset.fanOuts().filter((fanOut) => changes.fanOuts.get(fanOutName(fanOut)) !== false);
  const chains = (of: NftablesOptions): readonly RuledChain[] => [
    ...staying.map((fanOut) => fanOutChain(fanOut, of)),
    ...fixedChains(of),
  ];
  const before = chains(changes.options);
  return chains(options).flatMap(({ chain, rules }, i) => {
    if (fingerprint(rules) === fingerprint(before[i]!.rules)) return [];
    const table = tableOf(options);
    return [{ step: "flush chain", table, name: chain.name }, ...chainSteps(table, { chain, rules }, false)];
  });
}

/**
 * The whole table against what was observed: at the start, and after anything that nobody understands. What
 * is right already is left as it is.
 *
 * @param observed undefined: there is no table yet
 */
export function planTable(ruleset: Ruleset, observed: NftTable | undefined): readonly NftStep[] {
  const parts = planTableInParts(ruleset, observed);
  for (;;) {
    const { done, value } = parts.next();
    if (done) return value;
  }
}

/** {@link planTable} bit by bit, so that who asks for it can let others have their turn. */
export function* planTableInParts(
  ruleset: Ruleset,
  observed: NftTable | undefined,
): Generator<void, readonly NftStep[], void> {
  const { options } = ruleset;
  const table = tableOf(options);
  if (observed && !isOfThisShape(observed, options)) {
    return [{ step: "delete table", table }, ...(yield* planTableInParts(ruleset, undefined))];
  }
  const chains = [...ruleset.fanOuts().map((fanOut) => fanOutChain(fanOut, options)), ...fixedChains(options)];
  const wanted = new Set(chains.map(({ chain }) => chain.name));
  const observedChains = new Map(observed?.chains.map((chain) => [chain.name, chain]));
  const unwanted = observed?.chains.filter(({ name }) => !wanted.has(name)) ?? [];
  const observedSets = new Map(observed?.sets.map((set) => [set.name, set]));
  const elements = new ElementSteps(table, options.family);
  for (const changes of elements.sets) {
    const there = observedSets.get(changes.name);
    const shortened = there && (yield* shortElements(there));
    yield* eachDiffering(ruleset.sets.get(changes.name)!, shortened, changes, rowBytes(options.family, changes.name));
  }
  return [
    ...(observed ? [] : newTable(table, options)),
    ...chains.flatMap((ruled) => fixChain(table, ruled, observedChains.get(ruled.chain.name))),
    ...elements.steps,
    ...removalSteps(
      table,
      unwanted.map(({ name }) => name),
    ),
  ];
}

/** What an observed table holds: elements as the kernel has them, none of them in rows. */
export function observedElements(observed: NftTable): Map<string, Map<string, string>> {
  const parts = observedElementsInParts(observed);
  for (;;) {
    const { done, value } = parts.next();
    if (done) return value;
  }
}

/** {@link observedElements} bit by bit. */
export function* observedElementsInParts(observed: NftTable): Generator<void, Map<string, Map<string, string>>, void> {
  const sets = new Map<string, Map<string, string>>();
  for (const set of observed.sets) sets.set(set.name, yield* shortElements(set));
  return sets;
}

function* shortElements({ elements }: Pick<NftTable["sets"][number], "elements">) {
  const shortened = new Map<string, string>();
  for (const element of elements) {
    shortened.set(...shortElement(element));
    yield;
  }
  return shortened;
}

function newTable(table: NftTableRef, options: NftablesOptions): readonly NftStep[] {
  return [
    { step: "add table", table },
    ...setsOf(options.family).map((set): NftStep => ({ step: "add set", table, set })),
  ];
}

/** Sets' types and chains' hooks cannot be changed: a table of another version is made anew. */
function isOfThisShape(observed: NftTable, options: NftablesOptions): boolean {
  const sets = new Map(observed.sets.map((set) => [set.name, layoutOf(set)]));
  const chains = new Map(observed.chains.map((chain) => [chain.name, baseOf(chain)]));
  return (
    setsOf(options.family).every((set) => sets.get(set.name) === layoutOf(set)) &&
    fixedChains(options).every(({ chain }) => (chains.get(chain.name) ?? baseOf(chain)) === baseOf(chain))
  );
}

function layoutOf({ keyType, keyLen, dataType, dataLen, flags = [], expressions = [] }: NftSet): string {
  const kinds = expressions.map(({ expr }) => expr);
  return JSON.stringify([
    keyType,
    keyLen,
    dataType ?? 0,
    dataLen ?? 0,
    [...flags].filter((flag) => flag !== "expr").sort(),
    kinds,
  ]);
}

function fixChain(
  table: NftTableRef,
  ruled: RuledChain,
  observed: NftTable["chains"][number] | undefined,
): readonly NftStep[] {
  if (!observed) return chainSteps(table, ruled, true);
  if (fingerprint(ruled.rules) === fingerprint(observed.rules.map(({ expressions }) => expressions))) return [];
  return [{ step: "flush chain", table, name: ruled.chain.name }, ...chainSteps(table, ruled, false)];
}

function baseOf({ base }: RuledChain["chain"]): string {
  return base ? [base.type, base.hook, base.priority, base.policy ?? "accept"].join(" ") : "";
}

function fingerprint(rules: readonly Expressions[]): string {
  return JSON.stringify(rules.map((rule) => rule.map((expression) => ordered(listedExpression(expression)))));
}

/** Fields in one order; bytes as they are whatever holds them. */
function ordered(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, ordered(v)]),
  );
}

function chainSteps(table: NftTableRef, { chain, rules }: RuledChain, isNew: boolean): readonly NftStep[] {
  const added: NftStep[] = rules.map((expressions) => ({
    step: "add rule",
    table,
    chain: chain.name,
    rule: { expressions },
  }));
  return isNew ? [{ step: "add chain", table, chain }, ...added] : added;
}

function shortElement({ key, keyEnd, data }: NftElement): [string, string] {
  return [text(key ?? new Uint8Array()), keyEnd ? text(keyEnd) : valueOf(data)];
}

function valueOf(data: Data | undefined): string {
  if (data?.value) return text(data.value);
  if (!data?.verdict) return "";
  const { code, chain } = data.verdict;
  return chain === undefined ? String(code) : `${String(code)} ${chain}`;
}

function text(raw: Uint8Array): string {
  return Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("latin1");
}
