/** Turns come soon, one at a time, not more often than allowed, and later the more often they fail. */
import { setImmediate as immediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Turns } from "../../../../src/proxy/agent/turns.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await immediate();
}

function start(minPeriodMs: number, outcome: () => Promise<void> = () => Promise.resolve()) {
  const clock = new FakeClock();
  const state = { taken: 0, failures: [] as number[] };
  const turns = new Turns({
    clock,
    minPeriodMs,
    maxRetryMs: 400,
    onError: (_, failures) => void state.failures.push(failures),
    turn: async () => {
      state.taken++;
      await outcome();
    },
  });
  return { clock, turns, state };
}

describe("turns", () => {
  it("gather what asks at one time", async () => {
    const { turns, state } = start(0);
    for (let i = 0; i < 100; i++) turns.request();
    await settle();
    expect(state.taken).toBe(1);
  });

  it("follow one another at once without a least period, never two at a time", async () => {
    let running = 0;
    let most = 0;
    const { turns, state } = start(0, async () => {
      most = Math.max(most, ++running);
      await immediate();
      running--;
    });
    for (let i = 0; i < 20; i++) {
      turns.request();
      await immediate();
    }
    await settle();
    expect(state.taken).toBeGreaterThan(5);
    expect(most).toBe(1);
  });

  it("come twice at once, then once a period", async () => {
    const { clock, turns, state } = start(1000);
    for (let i = 0; i < 3; i++) {
      turns.request();
      await settle();
    }
    expect(state.taken).toBe(2);
    clock.advance(999);
    await settle();
    expect(state.taken).toBe(2);
    clock.advance(1);
    await settle();
    expect(state.taken).toBe(3);
  });

  it("are tried again by themselves, later each time, and at once after a success", async () => {
    let isBroken = true;
    const { clock, turns, state } = start(0, () => (isBroken ? Promise.reject(new Error("no")) : Promise.resolve()));
    turns.request();
    await settle();
    for (const ms of [100, 200, 400, 400]) {
      clock.advance(ms - 1);
      await settle();
      const before = state.taken;
      // What asks meanwhile waits too.
      turns.request();
      await settle();
      expect(state.taken).toBe(before);
      clock.advance(1);
      await settle();
      expect(state.taken).toBe(before + 1);
    }
    expect(state.failures).toEqual([1, 2, 3, 4, 5]);
    isBroken = false;
    clock.advance(400);
    await settle();
    turns.request();
    await settle();
    expect(state.taken).toBe(7);
    expect(state.failures).toHaveLength(5);
  });

  it("end with the one that is under way", async () => {
    const { turns, state } = start(0);
    turns.request();
    await turns.stop();
    turns.request();
    await settle();
    expect(state.taken).toBe(0);
  });
});
