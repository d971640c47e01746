/** Work of many pods at once holds up nobody for long, and none of it is lost. */
import { expect, it } from "vitest";
import { Turns } from "../../../src/kubelet/pods/turns.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("does as much in a turn as it may, in order, and the rest in the next", async () => {
  let nowMs = 0;
  const turns = new Turns(() => nowMs);
  const done: number[] = [];
  for (let i = 0; i < 10; i++) {
    turns.add(() => {
      done.push(i);
      nowMs += 4;
    });
  }
  const counts: number[] = [];
  while (done.length < 10) {
    await nextTurn();
    counts.push(done.length);
    expect(counts.length).toBeLessThan(20);
  }
  expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  // Three of 4 ms each are over the 10 ms of a turn.
  expect(counts.filter((count, i) => count !== counts[i - 1])).toEqual([3, 6, 9, 10]);
});

it("does what comes out of its own work in a later turn", async () => {
  const turns = new Turns(() => 0);
  const done: string[] = [];
  turns.add(() => {
    done.push("first");
    turns.add(() => done.push("second"));
  });
  await nextTurn();
  expect(done).toEqual(["first"]);
  await nextTurn();
  expect(done).toEqual(["first", "second"]);
});
