/**
 * Keeps a leader that is one no more from writing: its writes carry the fence that it took, and the store
 * refuses them in the same transaction once somebody else has taken a later one. A Lease alone cannot do
 * that: a process that was stopped in the middle of a write goes on with it when it is woken.
 */
import { FairleadError } from "../../errors/catalogue.ts";
import type { Fence, Item, Store } from "./store.ts";

/** Times that a fence is tried to be taken from others who take it too. */
const attempts = 10;

/**
 * Takes the fence of a name; every earlier one is down from then on.
 *
 * @param term of the leadership: later ones are greater
 * @throws FairleadError STORE_FENCED where a later one has been taken
 */
export async function takeFence(store: Store, name: string, term: number, isHeld: () => boolean): Promise<Fence> {
  const fence = { key: `fence_${name}`, value: Buffer.from(String(term)), isHeld };
  for (let attempt = 1; ; attempt++) {
    const current = await store.get(fence.key);
    if (current && Number(current.value.toString()) > term) throw fenced(fence);
    try {
      await write(store, fence, current);
      return fence;
    } catch (error) {
      const raced = error instanceof FairleadError && /^STORE_(EXISTS|CONFLICT)$/.test(error.code);
      if (!raced || attempt === attempts) throw error;
    }
  }
}

async function write(store: Store, { key, value }: Fence, current: Item | undefined): Promise<void> {
  if (current) await store.update(key, value, current.modRevision);
  else await store.create(key, value);
}

export function fenced({ key }: Pick<Fence, "key">): FairleadError {
  return new FairleadError("STORE_FENCED", { subject: key });
}

/** @throws FairleadError STORE_FENCED */
export function checkFence(fence: Fence | undefined): void {
  if (fence && !fence.isHeld()) throw fenced(fence);
}
