/** Rules' parts: what they load, compare and do, in terms of a family's packets. */
import { ipBytes } from "../../../model/address.ts";
import type { IpFamily } from "../../../model/service.ts";
import { part, register, verdictRegister, type Verdict } from "../../../kernel/netlink/nftables/data.ts";
import type { Expression } from "../../../kernel/netlink/nftables/expressions/index.ts";
import { ctStatus } from "../../../kernel/netlink/nftables/expressions/load.ts";

export type Expressions = readonly Expression[];

/** Where a header has its addresses, and what they take (RFC 791, RFC 8200). */
export const header = {
  IPv4: { source: 12, destination: 16, bytes: 4, registers: 1 },
  IPv6: { source: 8, destination: 24, bytes: 16, registers: 4 },
} as const;

/** @param at index of the first 32-bit register that is written */
export function loadAddress(family: IpFamily, which: "source" | "destination", at: number): Expression {
  const { bytes, [which]: offset } = header[family];
  return { expr: "payload", base: "network", offset, len: bytes, dreg: register(at) };
}

export function loadProtocol(at: number): Expression {
  return { expr: "meta", key: "l4proto", dreg: register(at) };
}

/** The destination port: TCP, UDP and SCTP have it at the same place. */
export function loadPort(at: number): Expression {
  return { expr: "payload", base: "transport", offset: 2, len: 2, dreg: register(at) };
}

export function lookup(set: string, at: number): Expression {
  return { expr: "lookup", set, sreg: register(at) };
}

/** @param into index of the register that takes the data */
export function lookupData(set: string, at: number, into: number): Expression {
  return { expr: "lookup", set, sreg: register(at), dreg: register(into) };
}

export function lookupVerdict(set: string, at: number): Expression {
  return { expr: "lookup", set, sreg: register(at), dreg: verdictRegister };
}

export function verdict(given: Verdict): Expression {
  return { expr: "immediate", dreg: verdictRegister, data: { verdict: given } };
}

export const goTo = (chain: string): Expression => verdict({ code: "goto", chain });
export const drop = verdict({ code: "drop" });

export const isTranslated: Expressions = bitsSet({ expr: "ct", key: "status", dreg: register(0) }, ctStatus.dnat);

function bitsSet(load: Expression, bits: number): Expressions {
  return [
    load,
    { expr: "bitwise", sreg: register(0), dreg: register(0), len: 4, mask: part.host32(bits), xor: part.host32(0) },
    { expr: "cmp", sreg: register(0), op: "neq", data: part.host32(0) },
  ];
}

export function hasMark(mark: number): Expressions {
  return bitsSet({ expr: "meta", key: "mark", dreg: register(0) }, mark);
}

/** Sets or clears bits of the packet's mark, and leaves the others. */
export function changeMark(mark: number, set: boolean): Expressions {
  const mask = part.host32(~mark >>> 0);
  const xor = part.host32(set ? mark : 0);
  return [
    { expr: "meta", key: "mark", dreg: register(0) },
    { expr: "bitwise", sreg: register(0), dreg: register(0), len: 4, mask, xor },
    { expr: "meta", key: "mark", sreg: register(0) },
  ];
}

/** RTN_LOCAL (linux/rtnetlink.h): what the fib calls an address of this machine. */
const localAddress = 2;

export const isFromThisNode: Expressions = [
  { expr: "fib", result: "addrtype", flags: ["saddr"], dreg: register(0) },
  { expr: "cmp", sreg: register(0), op: "eq", data: part.host32(localAddress) },
];

/** To no address of this node: what listens at one of them is none of ours. */
export const isToOthers: Expressions = [
  { expr: "fib", result: "addrtype", flags: ["daddr"], dreg: register(0) },
  { expr: "cmp", sreg: register(0), op: "neq", data: part.host32(localAddress) },
];

/** Whether the source is in a range. @param cidr of the family */
export function sourceIn(family: IpFamily, cidr: string, isIn: boolean): Expressions {
  const { bytes } = header[family];
  const { first, mask } = rangeOf(cidr);
  return [
    loadAddress(family, "source", 0),
    { expr: "bitwise", sreg: register(0), dreg: register(0), len: bytes, mask, xor: new Uint8Array(bytes) },
    { expr: "cmp", sreg: register(0), op: isIn ? "eq" : "neq", data: first },
  ];
}

export function destinationIn(family: IpFamily, cidr: string): Expressions {
  const [, ...rest] = sourceIn(family, cidr, true);
  return [loadAddress(family, "destination", 0), ...rest];
}

/** Whether the packet came in by a link of this name. @param isPrefix any name that begins so */
export function cameBy(name: string, isPrefix: boolean, is: boolean): Expressions {
  const data = isPrefix ? Uint8Array.from(Buffer.from(name)) : part.interfaceName(name);
  return [
    { expr: "meta", key: "iifname", dreg: register(0) },
    { expr: "cmp", sreg: register(0), op: is ? "eq" : "neq", data },
  ];
}

/** First address and mask of a CIDR. @throws TypeError where it is none: the configuration was checked before */
export function rangeOf(cidr: string): {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
  readonly mask: Uint8Array;
} {
  const [text = "", bits] = cidr.split("/");
  const address = ipBytes(text);
  if (!address) throw new TypeError(`"${cidr}" is not a CIDR`);
  const prefix = bits === undefined ? address.length * 8 : Number(bits);
  const mask = address.map((_, i) => 0xff & (0xff00 >> Math.max(0, Math.min(8, prefix - i * 8))));
  return {
    first: address.map((byte, i) => byte & mask[i]!),
    last: address.map((byte, i) => byte | (0xff & ~mask[i]!)),
    mask,
  };
}
