/** Renders steps as the requests of one batch: pure, and as many requests as long element lists need. */
import type { AnyRequest } from "../codec/message.ts";
import { flag } from "../codec/message.ts";
import { batchBegin, batchEnd, subsystem } from "../nfnetlink.ts";
import { chainBody, flowtableBody, objectBody, setBody } from "./bodies.ts";
import { splitElements } from "./elements.ts";
import { nftRequest, type NftMessage } from "./message.ts";
import type { NftElement, NftElements, NftRule, NftSet, NftTableRef, NftTableSettings } from "./state.ts";
import { execute, type NftExecutors, type NftStep, type NftStepPayloads } from "./step.ts";

export interface NftBatch {
  /** Begin, what the steps need, end: to be sent in one go. */
  readonly requests: readonly AnyRequest[];
  /** The step that each request belongs to; undefined for begin and end. */
  readonly stepOf: readonly (number | undefined)[];
}

/** The kernel carries a batch out whole or not at all. */
export function renderBatch(steps: readonly NftStep[]): NftBatch {
  const requests: AnyRequest[] = [batchBegin(subsystem.nftables)];
  const stepOf: (number | undefined)[] = [undefined];
  const ids = new SetIds();
  steps.forEach((step, index) => {
    for (const request of execute(renderers, step, ids)) {
      requests.push(request);
      stepOf.push(index);
    }
  });
  requests.push(batchEnd(subsystem.nftables));
  stepOf.push(undefined);
  return { requests, stepOf };
}

/** NFTA_SET_ID of the sets that a batch adds: the kernel wants one from each. */
class SetIds {
  readonly #ids = new Map<string, number>();
  // Above what callers number their anonymous sets with.
  #next = 1 << 16;

  assign(table: NftTableRef, set: NftSet): number {
    const id = set.id ?? this.#next++;
    this.#ids.set(`${table.family} ${table.name} ${set.name}`, id);
    return id;
  }

  of(table: NftTableRef, set: string): number | undefined {
    return this.#ids.get(`${table.family} ${table.name} ${set}`);
  }
}

const add = flag.create;
const create = flag.create | flag.exclusive;

/**
 * What a chain holds is deleted by a step of its own: the kernel would otherwise delete its rules with
 * it, and nobody would see it in the plan (net/netfilter/nf_tables_api.c, nf_tables_delchain).
 */
const emptyOnly = flag.nonRecursive;

const renderers: NftExecutors<SetIds, AnyRequest[]> = {
  "add table": (step) => table("newTable", add, step.table, step),
  "create table": (step) => table("newTable", create, step.table, step),
  "delete table": (step) => table("delTable", 0, step.table),
  "destroy table": (step) => table("destroyTable", 0, step.table),
  "flush table": ({ table }) => [nftRequest("rule", "delRule", 0, table.family, { table: table.name })],
  "add chain": (step) => chain(add, step),
  "create chain": (step) => chain(create, step),
  "delete chain": (step) => named("chain", "delChain", emptyOnly, step),
  "destroy chain": (step) => named("chain", "destroyChain", emptyOnly, step),
  "flush chain": ({ table, name }) => rule("delRule", 0, { table, chain: name }),
  "add rule": (step) => rule("newRule", add | flag.append, step, step.rule),
  "insert rule": (step) => rule("newRule", add, step, step.rule),
  "replace rule": (step) => rule("newRule", flag.replace, step, step.rule),
  "delete rule": (step) => rule("delRule", 0, step),
  "destroy rule": (step) => rule("destroyRule", 0, step),
  "add set": (step, ids) => set(add, step, ids),
  "create set": (step, ids) => set(create, step, ids),
  "delete set": (step) => named("set", "delSet", 0, step),
  "destroy set": (step) => named("set", "destroySet", 0, step),
  "flush set": ({ table, name }, ids) => elements("delElement", 0, { table, set: name }, ids),
  "add elements": (step, ids) => elements("newElement", add, step, ids),
  "create elements": (step, ids) => elements("newElement", create, step, ids),
  "delete elements": (step, ids) => elements("delElement", 0, step, ids),
  "destroy elements": (step, ids) => elements("destroyElement", 0, step, ids),
  "add object": (step) => object(add, step),
  "create object": (step) => object(create, step),
  "delete object": (step) => objectName("delObject", step),
  "destroy object": (step) => objectName("destroyObject", step),
  "add flowtable": (step) => flowtable(add, step),
  "create flowtable": (step) => flowtable(create, step),
  "delete flowtable": (step) => named("flowtable", "delFlowtable", 0, step),
  "destroy flowtable": (step) => named("flowtable", "destroyFlowtable", 0, step),
};

type Payload<K extends keyof NftStepPayloads> = NftStepPayloads[K];

function table(
  message: NftMessage,
  flags: number,
  { family, name }: NftTableRef,
  settings: NftTableSettings = {},
): AnyRequest[] {
  // Flags always: without the attribute a table that is there would keep the ones it has.
  const body = message === "newTable" ? { name, flags: settings.flags ?? [] } : { name };
  const userdata = settings.userdata === undefined ? {} : { userdata: settings.userdata };
  return [nftRequest("table", message, flags, family, { ...body, ...userdata })];
}

function named(
  kind: "chain" | "set" | "flowtable",
  message: NftMessage,
  flags: number,
  { table, name }: Payload<"delete set">,
): AnyRequest[] {
  return [nftRequest(kind, message, flags, table.family, { table: table.name, name })];
}

function chain(flags: number, { table, chain }: Payload<"add chain">): AnyRequest[] {
  return [nftRequest("chain", "newChain", flags, table.family, chainBody(table, chain))];
}

function rule(
  message: NftMessage,
  flags: number,
  at: { readonly table: NftTableRef; readonly chain: string; readonly handle?: number; readonly position?: number },
  rule?: NftRule,
): AnyRequest[] {
  const body = {
    table: at.table.name,
    chain: at.chain,
    ...(at.handle === undefined ? {} : { handle: at.handle }),
    ...(at.position === undefined ? {} : { position: at.position }),
    ...(rule === undefined ? {} : { expressions: rule.expressions }),
    ...(rule?.userdata === undefined ? {} : { userdata: rule.userdata }),
  };
  return [nftRequest("rule", message, flags, at.table.family, body)];
}

function set(flags: number, { table, set }: Payload<"add set">, ids: SetIds): AnyRequest[] {
  const body = { ...setBody(table, set), id: ids.assign(table, set) };
  return [nftRequest("set", "newSet", flags, table.family, body)];
}

function elements(
  message: NftMessage,
  flags: number,
  step: { readonly table: NftTableRef; readonly set: string; readonly elements?: NftElements },
  ids: SetIds,
): AnyRequest[] {
  const setId = ids.of(step.table, step.set);
  const body = { table: step.table.name, set: step.set, ...(setId === undefined ? {} : { setId }) };
  // The codec writes what is packed too; what it reads is never packed.
  const request = (part: { elements?: NftElements }) =>
    nftRequest("elements", message, flags, step.table.family, { ...body, ...(part as { elements?: NftElement[] }) });
  if (!step.elements) return [request({})];
  return splitElements(step.elements).map((part) => request({ elements: part }));
}

function object(flags: number, { table, object }: Payload<"add object">): AnyRequest[] {
  return [nftRequest("object", "newObject", flags, table.family, objectBody(table, object))];
}

function objectName(message: NftMessage, { table, kind, name }: Payload<"delete object">): AnyRequest[] {
  const body = { table: table.name, objectName: name, kind: "other" as const, name: kind };
  return [nftRequest("object", message, 0, table.family, body)];
}

function flowtable(flags: number, { table, flowtable }: Payload<"add flowtable">): AnyRequest[] {
  return [nftRequest("flowtable", "newFlowtable", flags, table.family, flowtableBody(table, flowtable))];
}
