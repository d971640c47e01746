/** Elements: nf_tables_newsetelem, nf_tables_delsetelem. */
import { verdictType } from "../../../netlink/nftables/data.ts";
import { omit } from "../../../netlink/nftables/fields.ts";
import { listedElement } from "../../../netlink/nftables/listed.ts";
import type { Element } from "../../../netlink/nftables/set.ts";
import { backendOf, has } from "../backend.ts";
import { halfOverlaps, halfPosition, isForward, rangeThatHolds } from "../intervals.ts";
import { checkUserdata, errno, Refusal, require } from "../refusal.ts";
import type { FakeElement, FakeSet, FakeTable, References } from "../ruleset.ts";
import type { Transaction } from "../transaction.ts";
import { checkElement, checkElementKey, isCatchall, isEnd } from "./element_checks.ts";
import type { Body, Executor } from "./executor.ts";

export const newElement: Executor<"elements"> = (body, flags, transaction) => {
  const { table, set } = locate(body, transaction);
  for (const element of body.elements ?? []) add(table, set, element, flags.exclusive, transaction);
  if (set.body.dataType === verdictType) transaction.unvalidated.add(table);
};

/** Without elements: all of them. */
export const delElement: Executor<"elements"> = (body, _flags, transaction) => {
  const { set } = locate(body, transaction);
  if (!body.elements) return removeElements(set, transaction);
  for (const element of body.elements) {
    if (!remove(set, element, transaction)) throw new Refusal(errno.ENOENT, "the element does not exist");
  }
};

/** As delElement, where what is not there may stay away. */
export const destroyElement: Executor<"elements"> = (body, _flags, transaction) => {
  const { set } = locate(body, transaction);
  for (const element of body.elements ?? []) remove(set, element, transaction);
};

function locate(body: Body<"elements">, transaction: Transaction): { table: FakeTable; set: FakeSet } {
  const table = transaction.table(body.family, body.table);
  const set = transaction.set(table, body.set, body.setId);
  const isFixed = set.bindings > 0 && (has(set, "constant") || has(set, "anonymous"));
  require(!isFixed, errno.EBUSY, "a constant set in use cannot be changed");
  return { table, set };
}

function add(table: FakeTable, set: FakeSet, element: Element, exclusive: boolean, transaction: Transaction): void {
  checkUserdata(element.userdata);
  checkElement(set, element);
  const references = refer(table, element, set, transaction);
  const listed = listedElement(element, set.body);
  const clash = findClash(set, listed);
  if (clash) {
    if (clash === "overlap" || exclusive || !isSameData(clash.body, listed)) throw new Refusal(errno.EEXIST);
    return refresh(set, clash, element, transaction);
  }
  const size = set.body.desc?.size;
  const count = set.elements.size - (set.elements.has(catchall) ? 1 : 0);
  const isFull = size !== undefined && count >= size;
  require(!isFull || isCatchall(element), errno.ENFILE, "the set is full");
  insert(set, { body: listed, references, ...expiry(set, element, transaction) }, transaction);
}

const catchall = "catchall";

function keyOf(element: Element): string {
  if (isCatchall(element)) return catchall;
  const text = (bytes: Uint8Array | undefined): string => (bytes ? Buffer.from(bytes).toString("latin1") : "");
  return `${isEnd(element) ? "end" : "key"} ${text(element.key)} ${text(element.keyEnd)}`;
}

function refer(table: FakeTable, element: Element, set: FakeSet, transaction: Transaction): References {
  const { verdict } = element.data ?? {};
  const chain = verdict && transaction.verdictChain(table, verdict);
  const object =
    element.object === undefined ? undefined : transaction.object(table, set.body.objectType ?? "", element.object);
  return { chains: chain ? [chain] : [], sets: [], objects: object ? [object] : [] };
}

function findClash(set: FakeSet, element: Element): FakeElement | "overlap" | undefined {
  const exact = set.elements.get(keyOf(element));
  if (exact || isCatchall(element)) return exact;
  switch (backendOf(set.body)) {
    case "rbtree": {
      const half = { key: element.key!, isEnd: isEnd(element) };
      const { at } = halfPosition(set.halves, half);
      return halfOverlaps(set, half, at) ? "overlap" : undefined;
    }
    case "pipapo": {
      const { key, keyEnd = key } = element;
      if (rangeThatHolds(set, key!) ?? rangeThatHolds(set, keyEnd!)) return "overlap";
      const lengths = set.body.desc?.concat?.map(({ len = 0 }) => len) ?? [];
      require(isForward(key!, keyEnd!, lengths), errno.EINVAL, "the range ends before it starts");
      return undefined;
    }
    default:
      return undefined;
  }
}

function isSameData(a: Element, b: Element): boolean {
  const text = ({ data, object }: Element): string =>
    JSON.stringify([Buffer.from(data?.value ?? []).toString("hex"), data?.verdict, object]);
  return text(a) === text(b);
}

function expiry(set: FakeSet, element: Element, { kernel }: Transaction): { expiresAtMs?: number } {
  if (!has(set, "timeout")) return {};
  const timeoutMs = element.timeoutMs ?? set.body.timeoutMs ?? 0;
  // 0: it never expires.
  return timeoutMs === 0 ? {} : { expiresAtMs: kernel.nowMs() + (element.expirationMs ?? timeoutMs) };
}

/** An element that is added again takes another timeout, and starts it again. */
function refresh(set: FakeSet, there: FakeElement, element: Element, transaction: Transaction): void {
  if (!has(set, "timeout")) return;
  const timeoutOf = ({ timeoutMs }: Element): number => timeoutMs ?? set.body.timeoutMs ?? 0;
  const isOther = timeoutOf(there.body) !== timeoutOf(element);
  if (!isOther && element.expirationMs === undefined) return;
  const { timeoutMs } = listedElement(element, set.body);
  const body = { ...omit(there.body, "timeoutMs"), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  const refreshed = { body, references: there.references, ...expiry(set, element, transaction) };
  transaction.journal.put(set.elements, keyOf(body), refreshed);
}

function insert(set: FakeSet, element: FakeElement, transaction: Transaction): void {
  const { body } = element;
  transaction.journal.put(set.elements, keyOf(body), element);
  transaction.refer(element.references, 1);
  if (isCatchall(body) || backendOf(set.body) !== "rbtree") return;
  const half = { key: body.key!, isEnd: isEnd(body) };
  transaction.journal.insert(set.halves, halfPosition(set.halves, half).at, half);
}

function remove(set: FakeSet, element: Element, transaction: Transaction): boolean {
  checkElementKey(set, element);
  const there = find(set, element);
  if (there) removeOne(set, there, transaction);
  return there !== undefined;
}

/** Where keys are ranges of several parts, the first element that holds the key is taken. */
function find(set: FakeSet, element: Element): FakeElement | undefined {
  const isRange = backendOf(set.body) === "pipapo" && !isCatchall(element);
  return isRange ? rangeThatHolds(set, element.key!) : set.elements.get(keyOf(element));
}

export function removeOne(set: FakeSet, element: FakeElement, transaction: Transaction): void {
  const { body } = element;
  transaction.journal.remove(set.elements, keyOf(body));
  transaction.refer(element.references, -1);
  if (isCatchall(body) || backendOf(set.body) !== "rbtree") return;
  const { at } = halfPosition(set.halves, { key: body.key!, isEnd: isEnd(body) });
  transaction.journal.removeAt(set.halves, at);
}

export function removeElements(set: FakeSet, transaction: Transaction): void {
  for (const element of [...set.elements.values()]) removeOne(set, element, transaction);
}
