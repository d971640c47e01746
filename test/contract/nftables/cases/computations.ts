/** Expressions that compute, compare and count, and the registers they need. */
import { rule, x, comparison, withChain } from "../fixtures.ts";
import { ok, refused, type Case } from "./case.ts";

export const computationCases: readonly Case[] = [
  refused("EINVAL", "value in the verdict register", withChain, [
    rule("a", { expr: "immediate", dreg: 0, data: { value: Uint8Array.of(1, 2, 3, 4) } }),
  ]),
  refused("EINVAL", "immediate without data", withChain, [rule("a", { expr: "immediate", dreg: 1 })]),
  refused("EOVERFLOW", "immediate of 65 bytes", withChain, [
    rule("a", { expr: "immediate", dreg: 1, data: { value: new Uint8Array(65) } }),
  ]),
  refused("ERANGE", "register past the end", withChain, [rule("a", { ...x.saddr, dreg: 24 })]),
  refused("ERANGE", "register between the ranges", withChain, [rule("a", { ...x.saddr, dreg: 6 })]),
  refused("ERANGE", "register too near the end", withChain, [rule("a", { ...x.saddr, dreg: 23, len: 16 })]),
  refused("EINVAL", "load into the verdict register", withChain, [rule("a", { ...x.saddr, dreg: 0 })]),
  refused("ENODATA", "register read before it is loaded", withChain, [rule("a", x.isAddress)]),
  refused("ENODATA", "register read further than loaded", withChain, [comparison(new Uint8Array(8))]),
  refused("EINVAL", "cmp without an operator", withChain, [
    rule("a", x.saddr, { expr: "cmp", sreg: 1, data: Uint8Array.of(1, 2, 3, 4) }),
  ]),
  refused("EINVAL", "cmp with an unknown operator", withChain, [
    rule("a", x.saddr, { expr: "cmp", sreg: 1, op: "#9", data: Uint8Array.of(1, 2, 3, 4) }),
  ]),
  refused("EINVAL", "cmp with nothing", withChain, [comparison(new Uint8Array())]),
  ok("numgen", withChain, [rule("a", { expr: "numgen", dreg: 1, modulus: 4, type: "random" })]),
  refused("ERANGE", "numgen of 0", withChain, [rule("a", { expr: "numgen", dreg: 1, modulus: 0, type: "random" })]),
  refused("EOVERFLOW", "numgen past 32 bits", withChain, [
    rule("a", { expr: "numgen", dreg: 1, modulus: 4, type: "random", offset: 0xffffffff }),
  ]),
  refused("EINVAL", "numgen of an unknown type", withChain, [
    rule("a", { expr: "numgen", dreg: 1, modulus: 4, type: "#7" }),
  ]),
  ok("jhash", withChain, [
    rule("a", x.saddr, { expr: "hash", sreg: 1, dreg: 1, len: 4, modulus: 2, seed: 7, type: "jenkins" }),
  ]),
  refused("ERANGE", "jhash of no bytes", withChain, [
    rule("a", x.saddr, { expr: "hash", sreg: 1, dreg: 1, len: 0, modulus: 2, type: "jenkins" }),
  ]),
  ok("jhash of 1", withChain, [
    rule("a", x.saddr, { expr: "hash", sreg: 1, dreg: 1, len: 4, modulus: 1, type: "jenkins" }),
  ]),
  refused("ERANGE", "jhash of 0", withChain, [
    rule("a", x.saddr, { expr: "hash", sreg: 1, dreg: 1, len: 4, modulus: 0, type: "jenkins" }),
  ]),
  ok("symmetric hash", withChain, [rule("a", { expr: "hash", dreg: 1, modulus: 2, type: "symmetric" })]),
  ok("bitwise", withChain, [
    rule("a", x.saddr, {
      expr: "bitwise",
      sreg: 1,
      dreg: 1,
      len: 4,
      op: "maskXor",
      mask: Uint8Array.of(255, 0, 0, 0),
      xor: new Uint8Array(4),
    }),
  ]),
  refused("EINVAL", "bitwise with a short mask", withChain, [
    rule("a", x.saddr, {
      expr: "bitwise",
      sreg: 1,
      dreg: 1,
      len: 4,
      mask: Uint8Array.of(255),
      xor: new Uint8Array(4),
    }),
  ]),
  refused("EINVAL", "bitwise without a mask", withChain, [
    rule("a", x.saddr, { expr: "bitwise", sreg: 1, dreg: 1, len: 4, xor: new Uint8Array(4) }),
  ]),
  ok("bitwise shift", withChain, [
    rule("a", x.saddr, { expr: "bitwise", sreg: 1, dreg: 1, len: 4, op: "lshift", data: Uint8Array.of(3, 0, 0, 0) }),
  ]),
  refused("EINVAL", "bitwise shift by 32", withChain, [
    rule("a", x.saddr, { expr: "bitwise", sreg: 1, dreg: 1, len: 4, op: "lshift", data: Uint8Array.of(32, 0, 0, 0) }),
  ]),
  ok("byteorder", withChain, [
    rule("a", x.saddr, { expr: "byteorder", sreg: 1, dreg: 1, op: "hton", len: 4, size: 4 }),
  ]),
  refused("EINVAL", "byteorder of 3 bytes", withChain, [
    rule("a", x.saddr, { expr: "byteorder", sreg: 1, dreg: 1, op: "hton", len: 4, size: 3 }),
  ]),
  ok("range", withChain, [
    rule("a", x.saddr, {
      expr: "range",
      sreg: 1,
      op: "neq",
      from: Uint8Array.of(1, 0, 0, 0),
      to: Uint8Array.of(2, 0, 0, 0),
    }),
  ]),
  ok("range backwards", withChain, [
    rule("a", x.saddr, {
      expr: "range",
      sreg: 1,
      op: "eq",
      from: Uint8Array.of(2, 0, 0, 0),
      to: Uint8Array.of(1, 0, 0, 0),
    }),
  ]),
  refused("EINVAL", "range of two lengths", withChain, [
    rule("a", x.saddr, {
      expr: "range",
      sreg: 1,
      op: "eq",
      from: Uint8Array.of(2, 0),
      to: Uint8Array.of(1, 0, 0, 0),
    }),
  ]),
  ok("limit", withChain, [rule("a", { expr: "limit", rate: 5, unit: 1, burst: 5, type: "packets" })]),
  refused("EINVAL", "limit of 0", withChain, [
    rule("a", { expr: "limit", rate: 0, unit: 1, burst: 5, type: "packets" }),
  ]),
  refused("EINVAL", "limit without a unit", withChain, [
    rule("a", { expr: "limit", rate: 5, burst: 5, type: "packets" }),
  ]),
  ok("quota", withChain, [rule("a", { expr: "quota", bytes: 1000n })]),
  refused("EINVAL", "quota without bytes", withChain, [rule("a", { expr: "quota" })]),
  ok("connlimit", withChain, [rule("a", { expr: "connlimit", count: 5 })]),
  ok("last", withChain, [rule("a", { expr: "last" })]),
  ok("notrack", withChain, [rule("a", { expr: "notrack" })]),
  ok("log", withChain, [rule("a", { expr: "log", prefix: "seen" })]),
  ok("log to a group", withChain, [rule("a", { expr: "log", group: 2, snaplen: 64, queueThreshold: 3 })]),
  refused("EINVAL", "log to a group and at a level", withChain, [rule("a", { expr: "log", group: 2, level: "info" })]),
  refused("EINVAL", "log at an unknown level", withChain, [rule("a", { expr: "log", level: "#99" })]),
  ok("limit of bytes", withChain, [rule("a", { expr: "limit", rate: 5000, unit: 60, type: "bytes", flags: ["over"] })]),
  ok("limit without a burst", withChain, [rule("a", { expr: "limit", rate: 5, unit: 1 })]),
  ok("connlimit over", withChain, [rule("a", { expr: "connlimit", count: 5, flags: ["over"] })]),
  ok("connlimit with empty flags", withChain, [rule("a", { expr: "connlimit", count: 5, flags: [] })]),
  ok("log with flags", withChain, [rule("a", { expr: "log", prefix: "p", level: "info", flags: ["uid"] })]),
  ok("numgen with an offset", withChain, [
    rule("a", { expr: "numgen", dreg: 1, modulus: 4, type: "incremental", offset: 10 }),
  ]),
  ok("jhash with an offset", withChain, [
    rule("a", x.saddr, { expr: "hash", sreg: 1, dreg: 1, len: 4, modulus: 2, seed: 0, offset: 5 }),
  ]),
];
