/**
 * Steps: what a transaction does, verb and object, as plain data that prints well.
 *
 * `add` accepts what is there already, `create` refuses it (EEXIST); `delete` needs what it deletes
 * (ENOENT), `destroy` does not, and needs Linux 6.3. A map is a set with data.
 */
import type { ObjectType } from "./object_type.ts";
import type {
  NftChain,
  NftElements,
  NftFlowtable,
  NftObject,
  NftRule,
  NftSet,
  NftTableRef,
  NftTableSettings,
} from "./state.ts";

interface InTable {
  readonly table: NftTableRef;
}
interface Named extends InTable {
  readonly name: string;
}
interface TableStep extends InTable, NftTableSettings {}
interface ChainStep extends InTable {
  readonly chain: NftChain;
}
interface RuleStep extends InTable {
  readonly chain: string;
  readonly rule: NftRule;
  /** Handle of the rule to stand behind (add) or before (insert); default: at the end, at the beginning. */
  readonly position?: number;
}
interface RuleHandle extends InTable {
  readonly chain: string;
  readonly handle: number;
}
interface SetStep extends InTable {
  readonly set: NftSet;
}
interface ElementsStep extends InTable {
  readonly set: string;
  readonly elements: NftElements;
}
interface ObjectStep extends InTable {
  readonly object: NftObject;
}
interface ObjectName extends Named {
  readonly kind: ObjectType;
}
interface FlowtableStep extends InTable {
  readonly flowtable: NftFlowtable;
}

/** Every kind of step with what it carries. */
export interface NftStepPayloads {
  "add table": TableStep;
  "create table": TableStep;
  "delete table": InTable;
  "destroy table": InTable;
  /** Deletes the rules of every chain. */
  "flush table": InTable;
  /** A base chain that is there takes another policy, nothing else. */
  "add chain": ChainStep;
  "create chain": ChainStep;
  /** EBUSY while it has rules, or is jumped to. */
  "delete chain": Named;
  "destroy chain": Named;
  /** Deletes the chain's rules. */
  "flush chain": Named;
  "add rule": RuleStep;
  "insert rule": RuleStep;
  "replace rule": RuleHandle & { readonly rule: NftRule };
  "delete rule": RuleHandle;
  "destroy rule": RuleHandle;
  "add set": SetStep;
  "create set": SetStep;
  "delete set": Named;
  "destroy set": Named;
  /** Deletes the set's elements. */
  "flush set": Named;
  /** Any number of elements: they are split over as many messages as they need. */
  "add elements": ElementsStep;
  "create elements": ElementsStep;
  "delete elements": ElementsStep;
  "destroy elements": ElementsStep;
  "add object": ObjectStep;
  "create object": ObjectStep;
  "delete object": ObjectName;
  "destroy object": ObjectName;
  "add flowtable": FlowtableStep;
  "create flowtable": FlowtableStep;
  "delete flowtable": Named;
  "destroy flowtable": Named;
}

export type NftStepKind = keyof NftStepPayloads;
export type NftStep = { [K in NftStepKind]: { readonly step: K } & NftStepPayloads[K] }[NftStepKind];

/** Something for every kind of step; a missing one does not compile. */
export type NftExecutors<Context, Result> = {
  readonly [K in NftStepKind]: (payload: NftStepPayloads[K], context: Context) => Result;
};

/** Runs the executor of a step's kind. */
export function execute<C, R>(executors: NftExecutors<C, R>, step: NftStep, context: C): R {
  return (executors[step.step] as (payload: NftStep, context: C) => R)(step, context);
}

/** A step in a line, without its bulk: what errors and logs say. */
export function describeStep(step: NftStep): string {
  const where = `${step.step} ${step.table.family} ${step.table.name}`;
  const rest = subjectOf(step);
  return rest === "" ? where : `${where} ${rest}`;
}

function subjectOf(step: NftStep): string {
  if ("elements" in step) return `${step.set} (${step.elements.length} elements)`;
  if ("handle" in step) return `${step.chain} handle ${step.handle}`;
  if ("rule" in step) return `${step.chain} { ${expressionNames(step.rule)} }`;
  if ("chain" in step) return step.chain.name;
  if ("set" in step) return step.set.name;
  if ("object" in step) return step.object.objectName;
  if ("flowtable" in step) return step.flowtable.name;
  return "name" in step ? step.name : "";
}

const namedExpressions = 12;

function expressionNames({ expressions }: NftRule): string {
  const names = expressions.slice(0, namedExpressions).map((one) => one.expr);
  const more = expressions.length - names.length;
  return [...names, ...(more > 0 ? [`${more} more`] : [])].join(", ");
}
