/** The fake kernel's ruleset: bodies as they are listed, and what refers to what. */
import type { ChainBody, FlowtableBody } from "../../netlink/nftables/chain.ts";
import type { ObjectBody } from "../../netlink/nftables/object.ts";
import type { RuleBody } from "../../netlink/nftables/rule.ts";
import type { Element, SetBody } from "../../netlink/nftables/set.ts";
import type { NftFamily } from "../../netlink/nftables/state.ts";
import type { TableBody } from "../../netlink/nftables/table.ts";

export interface FakeTable {
  readonly family: NftFamily;
  body: TableBody;
  /** The last handle that was given out: chains, rules, sets and objects share the numbers. */
  lastHandle: number;
  readonly chains: Map<string, FakeChain>;
  readonly sets: Map<string, FakeSet>;
  readonly objects: Map<string, FakeObject>;
  readonly flowtables: Map<string, FakeFlowtable>;
}

/** `use`: rules and elements that jump or go there. */
export interface FakeChain {
  body: ChainBody;
  use: number;
  readonly rules: FakeRule[];
}

export interface FakeRule {
  readonly body: RuleBody;
  readonly handle: number;
  readonly references: References;
}

/** `bindings`: rules that look keys up here, or write them. */
export interface FakeSet {
  body: SetBody;
  bindings: number;
  readonly elements: Map<string, FakeElement>;
  /** Starts and ends in the order of their keys, where keys are intervals of one part. */
  readonly halves: HalfElement[];
}

/** A start or an end. */
export interface HalfElement {
  readonly key: Uint8Array;
  readonly isEnd: boolean;
}

export interface FakeElement {
  readonly body: Element;
  /** On the fake's clock, in ms. */
  readonly expiresAtMs?: number;
  readonly references: References;
}

export interface FakeObject {
  body: ObjectBody;
  use: number;
}

export interface FakeFlowtable {
  readonly body: FlowtableBody;
  use: number;
}

/** What a rule or an element keeps from being deleted. */
export interface References {
  readonly chains: readonly FakeChain[];
  readonly sets: readonly FakeSet[];
  readonly objects: readonly { use: number }[];
}

export type Ruleset = Map<string, FakeTable>;

export function tableKey(family: string, name: string): string {
  return `${family} ${name}`;
}

export function objectKey(kind: string, name: string): string {
  return `${kind} ${name}`;
}

export function isBase(chain: FakeChain): boolean {
  return chain.body.hook !== undefined;
}
