/** Keys are worked on one at a time each, again after failures, and never lost. */
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { WorkQueue, type Outcome, type WorkQueueOptions } from "../../../src/reconcile/work_queue.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

function queueOf(reconcile: (key: string) => Promise<Outcome>, options: Partial<WorkQueueOptions> = {}) {
  const clock = new FakeClock();
  const errors: [string, number][] = [];
  const onError = (key: string, _: unknown, failures: number): void => void errors.push([key, failures]);
  const queue = new WorkQueue({ reconcile, clock, onError, ...options });
  return { queue, clock, errors };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await turn();
}

describe("a work queue", () => {
  it("works on a key once however often it is added, and not before it is started", async () => {
    const seen: string[] = [];
    const { queue } = queueOf((key) => {
      seen.push(key);
      return Promise.resolve(undefined);
    });
    for (const key of ["a", "b", "a", "a"]) queue.add(key);
    await settle();
    expect(seen).toEqual([]);
    queue.start();
    await settle();
    expect(seen).toEqual(["a", "b"]);
  });

  it("never works on a key twice at one time, and once more where it was added meanwhile", async () => {
    let finish: () => void = () => undefined;
    let running = 0;
    let calls = 0;
    const { queue } = queueOf(async () => {
      expect(++running).toBe(1);
      calls++;
      await new Promise<void>((resolve) => (finish = resolve));
      running--;
      return undefined;
    });
    queue.start();
    queue.add("a");
    await settle();
    queue.add("a");
    queue.add("a");
    await settle();
    expect(calls).toBe(1);
    finish();
    await settle();
    expect(calls).toBe(2);
    finish();
    await settle();
    expect(calls).toBe(2);
    await queue.stop();
  });

  it("bounds how many keys are worked on at one time", async () => {
    const finish: (() => void)[] = [];
    const { queue } = queueOf(
      async () => {
        await new Promise<void>((resolve) => finish.push(resolve));
        return undefined;
      },
      { workers: 2 },
    );
    queue.start();
    for (const key of ["a", "b", "c"]) queue.add(key);
    await settle();
    expect(finish.length).toBe(2);
    finish[0]!();
    await settle();
    expect(finish.length).toBe(3);
  });

  it("waits twice as long after each failure, and forgets failures with a success", async () => {
    let fails = true;
    const { queue, clock, errors } = queueOf(() =>
      fails ? Promise.reject(new Error("no")) : Promise.resolve(undefined),
    );
    queue.start();
    queue.add("a");
    await settle();
    expect(errors).toEqual([["a", 1]]);
    clock.advance(5);
    await settle();
    clock.advance(9);
    await settle();
    expect(errors).toHaveLength(2);
    clock.advance(1);
    await settle();
    expect(errors).toHaveLength(3);
    fails = false;
    clock.advance(20);
    await settle();
    fails = true;
    queue.add("a");
    await settle();
    expect(errors.at(-1)).toEqual(["a", 1]);
  });

  it("comes back when a reconciliation asks for it, at the earliest of several times", async () => {
    let calls = 0;
    const { queue, clock } = queueOf(() => Promise.resolve(++calls === 1 ? { againAfterMs: 1000 } : undefined));
    queue.start();
    queue.add("a");
    await settle();
    queue.addAfter("a", 400);
    queue.addAfter("a", 700);
    clock.advance(399);
    await settle();
    expect(calls).toBe(1);
    clock.advance(1);
    await settle();
    expect(calls).toBe(2);
    expect(clock.waiting).toBe(0);
  });

  it("stops once what it works on is done, and does nothing afterwards", async () => {
    let finish: () => void = () => undefined;
    let calls = 0;
    const { queue, clock } = queueOf(async () => {
      calls++;
      await new Promise<void>((resolve) => (finish = resolve));
      return { againAfterMs: 1 };
    });
    queue.start();
    queue.add("a");
    queue.addAfter("b", 10);
    await settle();
    let stopped = false;
    const stopping = queue.stop().then(() => (stopped = true));
    await settle();
    expect(stopped).toBe(false);
    finish();
    await stopping;
    clock.advance(100);
    queue.add("c");
    await settle();
    expect(calls).toBe(1);
  });
});
