import { beforeEach, expect, test } from "vitest";
import { Periodic } from "../../../src/reconcile/periodic.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

let clock: FakeClock;
/** When turns began. */
let begun: number[];
let end: (ms: number) => void;
let loop: Periodic;

beforeEach(() => {
  clock = new FakeClock(0);
  begun = [];
  loop = new Periodic(clock, () => {
    begun.push(clock.now());
    return new Promise((resolve) => (end = resolve));
  });
});

async function ended(ms: number): Promise<void> {
  end(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

test("begins at once, and again so long behind the end of a turn as this said", async () => {
  void loop.start();
  clock.advance(70);
  await ended(100);
  clock.advance(99);
  expect(begun).toEqual([0]);
  clock.advance(1);
  expect(begun).toEqual([0, 170]);
  await ended(0);
  expect(begun).toEqual([0, 170, 170]);
});

test("tells when the first turn is done", async () => {
  let isDone = false;
  void loop.start().then(() => (isDone = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isDone).toBe(false);
  await ended(100);
  expect(isDone).toBe(true);
});

test("begins sooner when asked, and never two turns at a time", async () => {
  void loop.start();
  loop.soon(5);
  loop.soon();
  expect(begun).toEqual([0]);
  await ended(100);
  expect(begun).toEqual([0, 0]);
  await ended(100);
  expect(begun).toEqual([0, 0]);
  loop.soon(40);
  clock.advance(30);
  loop.soon(40);
  clock.advance(39);
  expect(begun).toEqual([0, 0]);
  clock.advance(1);
  expect(begun).toEqual([0, 0, 70]);
  await ended(100);
  clock.advance(100);
  expect(begun).toEqual([0, 0, 70, 170]);
});

test("is not begun by being asked to hurry", () => {
  loop.soon();
  clock.advance(1000);
  expect(begun).toEqual([]);
});

test("stops in a wait and in a turn, and begins no more", async () => {
  void loop.start();
  await ended(100);
  loop.stop();
  expect(clock.waiting).toBe(0);
  loop.soon();
  await loop.start();
  clock.advance(1000);
  expect(begun).toEqual([0]);
});

test("lets the turn that is under way end when it is stopped, and begins no other", async () => {
  const first = loop.start();
  loop.soon();
  loop.stop();
  await ended(100);
  await first;
  expect(loop.isStopped).toBe(true);
  expect([begun, clock.waiting]).toEqual([[0], 0]);
});
