/** Turns on the event loop: long work of many leaves others theirs. */
import { expect, it } from "vitest";
import { inTurns, turn } from "../../../src/controlplane/apiserver/turns.ts";

const busyMs = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until;);
};

it("are taken one after the other, and the loop goes round in between", async () => {
  let rounds = 0;
  let counting = true;
  const count = (): void => {
    rounds++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const seen: number[] = [];
  await Promise.all([1, 2, 3, 4].map((who) => turn().then(() => seen.push(who, rounds))));
  counting = false;
  expect(seen.filter((_, i) => i % 2 === 0)).toEqual([1, 2, 3, 4]);
  const at = seen.filter((_, i) => i % 2 === 1);
  expect(new Set(at).size, "each in a round of its own").toBe(4);
});

it("work on many items is cut into slices, which others' slices stand between", async () => {
  const done: string[] = [];
  const work = (who: string) =>
    inTurns(Array.from({ length: 160 }), () => {
      busyMs(0.2);
      done.push(who);
    });
  await Promise.all([work("a"), work("b")]);
  const slices = done.filter((who, i) => who !== done[i - 1]);
  // 32 ms of work each, of which a slice has 8 and what is begun of the next.
  expect(slices.length).toBeGreaterThanOrEqual(6);
  expect(done.length).toBe(320);
});

it("work ends where it is told to", async () => {
  const done: number[] = [];
  await inTurns(
    Array.from({ length: 100 }, (_, i) => i),
    (i) => done.push(i) < 40,
  );
  expect(done).toEqual(Array.from({ length: 40 }, (_, i) => i));
});
