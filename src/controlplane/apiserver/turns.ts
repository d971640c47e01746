/**
 * Turns on the event loop: work that takes long is done in slices, and between two slices everything
 * else that waits has its turn, so that nothing waits long for it, however many ask at once.
 */
import { performance } from "node:perf_hooks";

/** How long a slice keeps the event loop, in ms. */
const sliceMs = 8;
/** Items done between two looks at the clock. */
const lookEvery = 16;

const waiting: (() => void)[] = [];

/** Resolves when it is one's turn, behind those that asked before. What follows should be a slice at the most. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(serve);
  });
}

/** One in each round of the loop: what follows runs before the next, and all else in between. */
function serve(): void {
  const next = waiting.shift();
  if (waiting.length > 0) setImmediate(serve);
  next?.();
}

/** Does something with each item, in slices; few items are done at once. @param work false to stop behind this item */
export async function inTurns<T>(items: readonly T[], work: (item: T, i: number) => unknown): Promise<void> {
  let until = 0;
  for (let i = 0; i < items.length; i++) {
    if (i % lookEvery === 0 && items.length > lookEvery && performance.now() > until) {
      await turn();
      until = performance.now() + sliceMs;
    }
    if (work(items[i]!, i) === false) return;
  }
}
