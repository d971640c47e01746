/**
 * Turns on the event loop: work that many clients ask for at once is done a piece after the other,
 * and after some milliseconds everything else has its turn, so that nothing waits long for it.
 */

/** How long pieces keep the event loop before others have their turn, in ms. */
const turnMs = 8;

const waiting: (() => void)[] = [];
let scheduled = false;

/** Calls back when it is this piece's turn, behind those that asked before. */
export function takeTurn(piece: () => void): void {
  waiting.push(piece);
  if (scheduled) return;
  scheduled = true;
  setImmediate(serve);
}

/** As {@link takeTurn}; what follows should be short. */
export function turn(): Promise<void> {
  return new Promise((resolve) => takeTurn(resolve));
}

function serve(): void {
  const until = performance.now() + turnMs;
  let next = 0;
  while (next < waiting.length && performance.now() < until) waiting[next++]!();
  waiting.splice(0, next);
  scheduled = waiting.length > 0;
  if (scheduled) setImmediate(serve);
}
