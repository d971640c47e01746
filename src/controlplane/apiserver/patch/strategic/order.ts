/** The order of a merged list: what the patch names in its order, the rest where the object had it. */
import { isDeepStrictEqual } from "node:util";
import { isMap } from "../types/merge_type.ts";

/** What tells items apart: a field of them, or the item itself. */
export type Identity = (item: unknown) => unknown;

export function identityBy(mergeKey: string | undefined): Identity {
  if (mergeKey === undefined) return (item) => item;
  return (item) => (isMap(item) && Object.hasOwn(item, mergeKey) ? item[mergeKey] : undefined);
}

export function indexOf(list: readonly unknown[], item: unknown, identity: Identity): number {
  const wanted = identity(item);
  return wanted === undefined ? -1 : list.findIndex((other) => isDeepStrictEqual(identity(other), wanted));
}

/**
 * @param merged all items
 * @param patchOrder items, or what tells them apart, in the patch's order
 * @param serverOrder items as the object had them
 */
export function ordered(
  merged: readonly unknown[],
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
  identity: Identity,
): unknown[] {
  const inPatch = ranks(merged, patchOrder, identity);
  const inServer = ranks(merged, serverOrder, identity);
  const byRank = (rank: ReadonlyMap<unknown, number>) => (a: number, b: number) => rankAt(rank, a) - rankAt(rank, b);
  const indices = merged.map((_, i) => i);
  const patched = indices.filter((i) => inPatch.has(i)).sort(byRank(inPatch));
  const others = indices.filter((i) => !inPatch.has(i)).sort(byRank(inServer));
  return interleaved(others, patched, inServer).map((i) => merged[i]);
}

/** The place of each item, by its index, in a list; without an entry where it is not there. */
function ranks(items: readonly unknown[], list: readonly unknown[], identity: Identity): Map<number, number> {
  const places = new Map<string, number>();
  list.forEach((item, i) => {
    const key = JSON.stringify(identity(item));
    if (key !== undefined && !places.has(key)) places.set(key, i);
  });
  const result = new Map<number, number>();
  items.forEach((item, i) => {
    const place = places.get(JSON.stringify(identity(item)));
    if (place !== undefined) result.set(i, place);
  });
  return result;
}

function rankAt(rank: ReadonlyMap<unknown, number>, i: number): number {
  return rank.get(i) ?? Number.MAX_SAFE_INTEGER;
}

/** An item that only the object has comes first where the object had it before the patch's next one. */
function interleaved(
  others: readonly number[],
  patched: readonly number[],
  server: ReadonlyMap<number, number>,
): number[] {
  const result: number[] = [];
  let o = 0;
  for (const next of patched) {
    const place = server.get(next);
    while (o < others.length && place !== undefined && (server.get(others[o]!) ?? Infinity) < place) {
      result.push(others[o++]!);
    }
    result.push(next);
  }
  return [...result, ...others.slice(o)];
}
