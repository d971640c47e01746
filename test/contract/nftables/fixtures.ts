/** Short names for what the cases are made of. */
import { concatKey, part } from "../../../src/kernel/netlink/nftables/data.ts";
import { setOf } from "../../../src/kernel/netlink/nftables/datatype.ts";
import type { Expression } from "../../../src/kernel/netlink/nftables/expressions/index.ts";
import type {
  NftBase,
  NftChain,
  NftElement,
  NftFamily,
  NftHook,
  NftObject,
  NftSet,
  NftTableRef,
} from "../../../src/kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../../src/kernel/netlink/nftables/step.ts";

export const table: NftTableRef = { family: "ip", name: "t" };
export const addTable: NftStep = { step: "add table", table };

export function chain(name: string, base?: NftBase, more: Partial<NftChain> = {}): NftStep {
  return { step: "add chain", table, chain: { name, ...(base ? { base } : {}), ...more } };
}

export const base = {
  filter: { type: "filter", hook: "input", priority: 0 },
  prerouting: { type: "nat", hook: "prerouting", priority: -100 },
  postrouting: { type: "nat", hook: "postrouting", priority: 100 },
} as const satisfies Record<string, NftBase>;

export function rule(chainName: string, ...expressions: Expression[]): NftStep {
  return { step: "add rule", table, chain: chainName, rule: { expressions } };
}

export function set(name: string, more: Partial<NftSet> = {}): NftStep {
  return { step: "add set", table, set: { name, ...setOf(["ipv4_addr"]), ...more } };
}

export function elements(setName: string, ...list: NftElement[]): NftStep {
  return { step: "add elements", table, set: setName, elements: list };
}

export function object(value: NftObject): NftStep {
  return { step: "add object", table, object: value };
}

/** The same step with another verb. */
export function as<S extends NftStep>(step: NftStep, kind: S["step"]): NftStep {
  return { ...step, step: kind } as NftStep;
}

export const sets = {
  plain: set("s"),
  map: { step: "add set", table, set: { name: "m", ...setOf(["ipv4_addr"], ["inet_service"]) } },
  verdicts: { step: "add set", table, set: { name: "v", ...setOf(["ipv4_addr"], "verdict") } },
  intervals: { step: "add set", table, set: { name: "i", ...setOf(["ipv4_addr"], undefined, { interval: true }) } },
  ranges: {
    step: "add set",
    table,
    set: { name: "r", ...setOf(["ipv4_addr", "inet_service"], undefined, { interval: true }) },
  },
  timeouts: set("w", { flags: ["timeout"] }),
  dynamic: set("d", { flags: ["timeout", "eval"], size: 100 }),
  counters: set("o", { flags: ["object"], objectType: "counter" }),
} as const satisfies Record<string, NftStep>;

export const counter: NftStep = object({ objectName: "c", kind: "counter", bytes: 0n, packets: 0n });

export function address(last: number): Uint8Array {
  return part.address(`10.0.0.${last}`);
}

export function range(from: number, fromPort: number, to: number, toPort: number): NftElement {
  return {
    key: concatKey([address(from), part.port(fromPort)]),
    keyEnd: concatKey([address(to), part.port(toPort)]),
  };
}

export function interval(from: number, to: number): [NftElement, NftElement] {
  return [{ key: address(from) }, { key: address(to), flags: ["intervalEnd"] }];
}

export const x = {
  saddr: { expr: "payload", dreg: 1, base: "network", offset: 12, len: 4 },
  daddr: { expr: "payload", dreg: 1, base: "network", offset: 16, len: 4 },
  isAddress: { expr: "cmp", sreg: 1, op: "eq", data: Uint8Array.of(10, 0, 0, 1) },
  accept: { expr: "immediate", dreg: 0, data: { verdict: { code: "accept" } } },
  counter: { expr: "counter", bytes: 0n, packets: 0n },
  load: { expr: "immediate", dreg: 1, data: { value: Uint8Array.of(10, 0, 0, 1) } },
  dnat: { expr: "nat", type: "dnat", family: "ip", regAddrMin: 1 },
  snat: { expr: "nat", type: "snat", family: "ip", regAddrMin: 1 },
  masq: { expr: "masq" },
} as const satisfies Record<string, Expression>;

export function jump(to: string, code: "jump" | "goto" = "jump"): Expression {
  return { expr: "immediate", dreg: 0, data: { verdict: { code, chain: to } } };
}

export function lookup(name: string, dreg?: number): Expression {
  return { expr: "lookup", set: name, sreg: 1, ...(dreg === undefined ? {} : { dreg }) };
}

export const long = (length: number): string => "n".repeat(length);

/** A base chain `a`. */
export function hooked(type: string, hook: NftHook, priority = 0): NftStep {
  return chain("a", { type, hook, priority });
}

/** The same steps in a table of another family. */
export function inFamily(family: NftFamily, ...steps: NftStep[]): NftStep[] {
  return steps.map((step) => ({ ...step, table: { family, name: "t" } }));
}

/** The same set with other settings; `undefined` leaves one out. */
export function more(step: Extract<NftStep, { step: "add set" }>, extra: object): NftStep {
  const merged = Object.entries({ ...step.set, ...extra }).filter(([, value]) => value !== undefined);
  return { ...step, set: Object.fromEntries(merged) as unknown as NftSet };
}

/** A rule of `a` that compares the source address with something. */
export function comparison(data: Uint8Array): NftStep {
  return rule("a", x.saddr, { expr: "cmp", sreg: 1, op: "eq", data });
}

export function verdict(code: "goto" | "jump" | "accept" | "drop", chainName?: string): NftElement {
  return { key: address(1), data: { verdict: { code, ...(chainName === undefined ? {} : { chain: chainName }) } } };
}

export function value(last: number, ...bytes: number[]): NftElement {
  return { key: address(last), data: { value: Uint8Array.from(bytes) } };
}

export const withChain = [addTable, chain("a")];
export const inNat = [
  addTable,
  chain("pre", base.prerouting),
  chain("post", base.postrouting),
  chain("f", base.filter),
  chain("a"),
];
export const withSet = [addTable, sets.plain];
export const withMap = [addTable, sets.map];
export const withIntervals = [addTable, sets.intervals, elements("i", ...interval(10, 20))];
export const withRanges = [addTable, sets.ranges, elements("r", range(10, 80, 20, 90))];

/** Regular chains that jump one to the next, and a base chain that does not yet. */
export function depth(count: number): NftStep[] {
  return [
    addTable,
    chain("base", base.filter),
    ...Array.from({ length: count }, (_, i) => chain(`d${i}`)),
    ...Array.from({ length: count - 1 }, (_, i) => rule(`d${i}`, jump(`d${i + 1}`))),
  ];
}
