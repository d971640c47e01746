/** Seeded randomness: the same seed gives the same orders. */

/** Numbers in [0, 1). */
export type Random = () => number;

/** mulberry32 (public domain, Tommy Ettinger): 32 bits of state are plenty for orders of rounds. */
export function seeded(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/**
 * The order of the items in each round: rounds come in pairs, the second of a pair in the first's
 * order backwards (ABBA). What comes first is random, and yet each item stands before each other as
 * often as behind it: neither a drift of the machine nor what one leaves behind favours another.
 */
export function* roundOrders<T>(items: readonly T[], random: Random): Generator<readonly T[], never> {
  for (;;) {
    const order = shuffled(items, random);
    yield order;
    yield order.toReversed();
  }
}
