/** Whose turn it is: an order for each key, a limit for all, and one alone. */
import { describe, expect, test } from "vitest";
import { Turns } from "../../../cni/turns.ts";
import fc from "../../fixtures/property.ts";

/** Work that ends when it is told to. */
class Bench {
  readonly turns: Turns;
  readonly started: string[] = [];
  readonly #ends = new Map<string, () => void>();
  readonly outcomes: Promise<string>[] = [];

  constructor(limit: number, maxWaiting = 1000) {
    this.turns = new Turns({ limit, maxWaiting });
  }

  add(name: string, key: string | undefined): void {
    const work = () => {
      this.started.push(name);
      return new Promise<void>((resolve) => this.#ends.set(name, resolve));
    };
    const refusal = () => new Error("refused");
    this.outcomes.push(
      this.turns.run(key, work, refusal).then(
        () => "done",
        (error: Error) => error.message,
      ),
    );
  }

  get running(): readonly string[] {
    return [...this.#ends.keys()];
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)!();
    this.#ends.delete(name);
    await settled();
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("turns", () => {
  test("one key's come one after another, beside another's", async () => {
    const bench = new Bench(10);
    bench.add("a1", "a");
    bench.add("a2", "a");
    bench.add("b1", "b");
    await settled();
    expect(bench.running).toEqual(["a1", "b1"]);
    await bench.end("a1");
    expect(bench.running).toEqual(["b1", "a2"]);
  });

  test("one that is alone waits for all before, and all after wait for it", async () => {
    const bench = new Bench(10);
    bench.add("a1", "a");
    bench.add("gc", undefined);
    bench.add("b1", "b");
    await settled();
    expect(bench.running).toEqual(["a1"]);
    await bench.end("a1");
    expect(bench.running).toEqual(["gc"]);
    await bench.end("gc");
    expect(bench.running).toEqual(["b1"]);
  });

  test("work that fails gives its turn on", async () => {
    const turns = new Turns({ limit: 1, maxWaiting: 10 });
    const failing = turns.run(
      "a",
      () => Promise.reject(new Error("broken")),
      () => new Error("refused"),
    );
    const next = turns.run(
      "a",
      async () => "next",
      () => new Error("refused"),
    );
    await expect(failing).rejects.toThrow("broken");
    expect(await next).toBe("next");
    expect([turns.running, turns.waiting]).toEqual([0, 0]);
  });

  test("too many are refused, and at the end those that wait", async () => {
    const bench = new Bench(1, 2);
    for (const name of ["a", "b", "c", "d"]) bench.add(name, name);
    await settled();
    expect(await bench.outcomes[3]).toBe("refused");
    bench.turns.end();
    expect(await Promise.all([bench.outcomes[1], bench.outcomes[2]])).toEqual(["refused", "refused"]);
    await bench.end("a");
    expect(await bench.outcomes[0]).toBe("done");
    expect(bench.started).toEqual(["a"]);
  });

  test("whatever comes, all run once, in the order of their keys, never too many and never beside one that is alone", async () => {
    const keys = fc.array(fc.constantFrom("a", "b", "c", "d", undefined), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        keys,
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.nat()),
        async (list, limit, choices) => {
          const bench = new Bench(limit);
          const nameOf = (index: number) => `${list[index] ?? "gc"}${index}`;
          list.forEach((key, index) => bench.add(nameOf(index), key));
          await settled();
          while (bench.running.length > 0) {
            const { running } = bench;
            expect(running.length).toBeLessThanOrEqual(limit);
            if (running.some((name) => name.startsWith("gc"))) expect(running).toHaveLength(1);
            expect(new Set(running.map((name) => name[0])).size).toBe(running.length);
            await bench.end(running[(choices.next().value as number) % running.length]!);
          }
          expect(bench.started.toSorted()).toEqual(list.map((_, index) => nameOf(index)).toSorted());
          for (const key of ["a", "b", "c", "d"]) {
            const ofKey = bench.started.filter((name) => name.startsWith(key) && !name.startsWith("gc"));
            expect(ofKey).toEqual(list.flatMap((one, index) => (one === key ? [nameOf(index)] : [])));
          }
          const alone = list.indexOf(undefined);
          if (alone >= 0) expect(bench.started.indexOf(nameOf(alone))).toBe(alone);
        },
      ),
    );
  });
});
