/** Elements that change, as steps: of each set what goes, then what comes. */
import type { Data } from "../../../kernel/netlink/nftables/data.ts";
import { verdictType } from "../../../kernel/netlink/nftables/data.ts";
import { PackedElements } from "../../../kernel/netlink/nftables/packed.ts";
import type { NftElement, NftElements, NftSet, NftTableRef } from "../../../kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../../kernel/netlink/nftables/step.ts";
import type { IpFamily } from "../../../model/service.ts";
import { indexBytes } from "./render.ts";
import { rowBytes, setNames, setsOf, type Elements } from "./sets.ts";

/** Affinity is the packets' own: what it remembers is not ours to plan. */
const learned: ReadonlySet<string> = new Set(
  [setNames.address, setNames.nodePort].flatMap(({ clusterAffinity, localAffinity }) => [
    clusterAffinity,
    localAffinity,
  ]),
);

/** Gathers what changes of all sets of a family's table. */
export class ElementSteps {
  readonly #table: NftTableRef;
  readonly #changes: readonly SetChanges[];

  constructor(table: NftTableRef, family: IpFamily) {
    this.#table = table;
    const planned = setsOf(family).filter(({ name }) => !learned.has(name));
    this.#changes = planned.map((set) => new SetChanges(set, rowBytes(family, set.name)));
  }

  /** Of each set that is planned: where its changes are told. */
  get sets(): readonly SetChanges[] {
    return this.#changes;
  }

  /** Deletions first: a key that changes its data goes and comes in one transaction. */
  get steps(): readonly NftStep[] {
    const table = this.#table;
    const gone = this.#changes.flatMap(({ name: set, gone }) =>
      gone.map((elements): NftStep => ({ step: "delete elements", table, set, elements })),
    );
    const come = this.#changes.flatMap(({ name: set, come }) =>
      come.map((elements): NftStep => ({ step: "add elements", table, set, elements })),
    );
    return [...gone, ...come];
  }
}

export class SetChanges {
  readonly name: string;
  readonly #set: NftSet;
  /** Of a set of rows: bytes that an index gives. */
  readonly #each: number | undefined;
  readonly #goneKeys: PackedElements;
  /** By what they give, where that is a verdict; else all under "". */
  readonly #come = new Map<string, PackedElements>();
  /** Intervals: few, and of two keys. */
  readonly #goneRanges: NftElement[] = [];
  readonly #comeRanges: NftElement[] = [];

  constructor(set: NftSet, each: number | undefined) {
    this.name = set.name;
    this.#set = set;
    this.#each = each;
    this.#goneKeys = new PackedElements({ keyBytes: set.keyLen, dataBytes: 0 });
  }

  get gone(): readonly NftElements[] {
    return [this.#goneKeys, this.#goneRanges].filter(({ length }) => length > 0);
  }

  get come(): readonly NftElements[] {
    return [...this.#come.values(), this.#comeRanges].filter(({ length }) => length > 0);
  }

  /** @param key of an element, or of a row where the set is of rows */
  change(key: string, before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    if (this.#each === undefined) this.changeElement(key, before, after);
    else this.#changeRow(this.#each, key, before ?? "", after ?? "");
  }

  #changeRow(each: number, key: string, before: string, after: string): void {
    for (let at = 0; at < Math.max(before.length, after.length); at += each) {
      const [is, was] = [at < after.length, at < before.length];
      if (is && was && isAlike(before, after, at, each)) continue;
      const index = indexBytes(at / each);
      if (was) this.#goneKeys.add(key, index, "", 0);
      if (is) this.#given("").add(key, index, after, at);
    }
  }

  /** @param key as the kernel has it */
  changeElement(key: string, before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    if (this.name === setNames.sourceRanges) {
      if (before !== undefined) this.#goneRanges.push(rangeElement(key, before));
      if (after !== undefined) this.#comeRanges.push(rangeElement(key, after));
      return;
    }
    if (before !== undefined) this.#goneKeys.add(key, "", "", 0);
    if (after === undefined) return;
    const isVerdict = this.#set.dataType === verdictType;
    this.#given(isVerdict ? after : "").add(key, "", isVerdict ? "" : after, 0);
  }

  #given(verdict: string): PackedElements {
    let elements = this.#come.get(verdict);
    if (elements === undefined) {
      const { keyLen: keyBytes, dataLen = 0 } = this.#set;
      const layout =
        verdict === "" ? { keyBytes, dataBytes: dataLen } : { keyBytes, dataBytes: 0, shared: verdictOf(verdict) };
      this.#come.set(verdict, (elements = new PackedElements(layout)));
    }
    return elements;
  }
}

/** Told of all that a set of the kernel has otherwise than is wanted; turns between, so that no event loop is kept. */
export function* eachDiffering(
  wanted: Elements,
  there: Elements | undefined,
  changes: SetChanges,
  each: number | undefined,
): Iterable<void> {
  for (const [key, value] of wanted) {
    if (there === undefined || there.size === 0) changes.change(key, undefined, value);
    else if (each === undefined) changes.changeElement(key, there.get(key), value);
    else {
      for (let at = 0; at < value.length; at += each) {
        const element = key + indexBytes(at / each);
        changes.changeElement(element, there.get(element), value.slice(at, at + each));
      }
    }
    yield;
  }
  for (const [key, value] of there ?? []) {
    if (!isWanted(wanted, key, each)) changes.changeElement(key, value, undefined);
    yield;
  }
}

/** Whether an element of the kernel is one that is wanted, whatever it gives. */
function isWanted(wanted: Elements, key: string, each: number | undefined): boolean {
  if (each === undefined) return wanted.has(key);
  const row = wanted.get(key.slice(0, -indexLength));
  const index = Buffer.from(key.slice(-indexLength), "latin1").readUInt32LE();
  return row !== undefined && index * each < row.length;
}

const indexLength = 4;

function isAlike(a: string, b: string, at: number, count: number): boolean {
  for (let i = at; i < at + count; i++) if (a.charCodeAt(i) !== b.charCodeAt(i)) return false;
  return true;
}

function rangeElement(first: string, last: string): NftElement {
  return { key: Buffer.from(first, "latin1"), keyEnd: Buffer.from(last, "latin1") };
}

function verdictOf(text: string): Data {
  return text === "drop"
    ? { verdict: { code: "drop" } }
    : { verdict: { code: "goto", chain: text.slice(goTo.length) } };
}

const goTo = "goto ";
