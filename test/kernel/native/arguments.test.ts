/** A mistake in an argument is a TypeError that names it, thrown at once: nothing was begun. */
import { describe, expect, test } from "vitest";
import { native, type NativeAddon, type NamespaceRef } from "../../../src/kernel/native.ts";
import { echo, withSocket } from "./wire.ts";

const run = { argv: ["true"], timeoutMs: 1000, maxOutputBytes: 10 };
const socket = {
  protocol: 0,
  namespace: null,
  receiveBufferBytes: 4096,
  maxBatchBytes: 4096,
  maxQueued: 1,
  strictChecking: false,
};
const subscription = { protocol: 0, namespace: null, groups: [1], receiveBufferBytes: 4096, maxBytesPerTurn: 10 };
const nothing = (): void => undefined;

type Loose = { [K in keyof NativeAddon]: (...args: unknown[]) => unknown };
const addon = (): Loose => native() as unknown as Loose;

const mistakes: readonly (readonly [string, () => unknown])[] = [
  ["ref", () => addon().openNamespace()],
  ["ref", () => addon().openNamespace(7)],
  ["ref", () => addon().openNamespace("")],
  ["ref", () => addon().openNamespace("a\0b")],
  ["ref.pid", () => addon().openNamespace({})],
  ["ref.pid", () => addon().openNamespace({ pid: 0 })],
  ["ref.pid", () => addon().openNamespace({ pid: 1.5 })],
  ["ref.pid", () => addon().openNamespace({ pid: NaN })],
  ["ref.pid", () => addon().openNamespace(Object.create({ fd: 3 }))],
  ["path", () => addon().createNamedNamespace(undefined)],
  ["path", () => addon().deleteNamedNamespace(new Uint8Array(3))],
  ["path", () => addon().readFileInNamespace(null, null)],
  ["list", () => addon().pickJsonList("{}", ["items"])],
  ["paths", () => addon().pickJsonList(Buffer.from("{}"), "items")],
  ["data", () => addon().writeFileInNamespace(null, "/none", "text")],
  ["data", () => addon().writeFileInNamespace(null, "/none", new Uint16Array(3))],
  ["options", () => addon().runInNamespace(null)],
  ["options.argv", () => addon().runInNamespace(null, { ...run, argv: "true" })],
  ["options.argv", () => addon().runInNamespace(null, { ...run, argv: [] })],
  ["options.argv[1]", () => addon().runInNamespace(null, { ...run, argv: ["true", 1] })],
  ["options.argv[0]", () => addon().runInNamespace(null, { ...run, argv: ["tr\0ue"] })],
  ["options.env[1]", () => addon().runInNamespace(null, { ...run, env: ["A=1", "B"] })],
  ["options.stdin", () => addon().runInNamespace(null, { ...run, stdin: "text" })],
  ["options.timeoutMs", () => addon().runInNamespace(null, { ...run, timeoutMs: Infinity })],
  ["options.timeoutMs", () => addon().runInNamespace(null, { ...run, timeoutMs: 0 })],
  ["options.maxOutputBytes", () => addon().runInNamespace(null, { ...run, maxOutputBytes: -1 })],
  ["options", () => addon().openNetlink(nothing)],
  ["options.protocol", () => addon().openNetlink({ ...socket, protocol: 32 })],
  ["options.namespace", () => addon().openNetlink({ ...socket, namespace: undefined })],
  ["options.receiveBufferBytes", () => addon().openNetlink({ ...socket, receiveBufferBytes: "1" })],
  ["options.maxBatchBytes", () => addon().openNetlink({ ...socket, maxBatchBytes: 2 ** 31 })],
  ["options.maxQueued", () => addon().openNetlink({ ...socket, maxQueued: 0 })],
  ["options.strictChecking", () => addon().openNetlink({ ...socket, strictChecking: 1 })],
  ["options.groups", () => addon().subscribeNetlink({ ...subscription, groups: [] }, nothing)],
  ["options.groups[1]", () => addon().subscribeNetlink({ ...subscription, groups: [1, 0] }, nothing)],
  ["options.maxBytesPerTurn", () => addon().subscribeNetlink({ ...subscription, maxBytesPerTurn: 0 }, nothing)],
  ["onDatagrams", () => addon().subscribeNetlink(subscription)],
];

test.each(mistakes)("%s", (name, call) => {
  expect(call).toThrow(TypeError);
  expect(call).toThrow(`argument '${name}' must be `);
});

describe("exchange", () => {
  test.each([
    ["batch", ["text", 1, 1000]],
    ["batch", [Buffer.alloc(15), 1, 1000]],
    ["terminators", [echo(1), -1, 1000]],
    ["timeoutMs", [echo(1), 1]],
  ] as const)("%s", async (name, args) => {
    await withSocket({}, async (opened) => {
      const call = (): unknown => (opened.exchange as (...args: unknown[]) => unknown).apply(opened, [...args]);
      expect(call).toThrow(TypeError);
      expect(call).toThrow(`argument '${name}' must be `);
      expect(opened.pending).toBe(0);
    });
  });
});

test("what a getter throws comes out as it is", () => {
  const ref = {
    get pid(): number {
      throw new RangeError("of the caller's");
    },
  };
  expect(() => addon().openNamespace(ref as NamespaceRef)).toThrow(new RangeError("of the caller's"));
});
