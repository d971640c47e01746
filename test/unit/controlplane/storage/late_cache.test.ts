/** Reads while the store's events are late. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ResourceCache } from "../../../../src/controlplane/apiserver/storage/cache.ts";
import type { Store, WatchObserver } from "../../../../src/controlplane/store/store.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A store that is at revision 7, whose watch has told of nothing behind 5. */
async function lateCache() {
  const observers: WatchObserver[] = [];
  const store = {
    range: () => Promise.resolve({ items: [], revision: 5, remaining: 0 }),
    revision: () => Promise.resolve(7),
    delivered: () => undefined,
    watch(_prefix: string, _after: number, observer: WatchObserver) {
      observers.push(observer);
      return { close: () => undefined, requestProgress: () => undefined };
    },
  } as unknown as Store;
  return { cache: await ResourceCache.start(store, "/configmaps/", () => ({})), observers };
}

it("are refused, rather than answered by what is older than what was acknowledged", async () => {
  const { cache } = await lateCache();
  const refused = expect(cache.current()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await vi.advanceTimersByTimeAsync(10_000);
  await refused;
  cache.close();
});

it("are answered once the events have come", async () => {
  const { cache, observers } = await lateCache();
  const answered = expect(cache.current()).resolves.toBe(7);
  await vi.advanceTimersByTimeAsync(100);
  observers[0]!.onEvents([], 7);
  await answered;
  cache.close();
});
