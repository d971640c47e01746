/** Which value of before a value of a list belongs to: by its keys where the list is a map, else by nothing but itself. */
import { isRecord, type Schema } from "./compile.ts";

/** @returns finds the item of before, undefined where there is none */
export function correlated({ listType, listMapKeys }: Schema, old: unknown): (item: unknown) => unknown {
  if (!Array.isArray(old)) return () => undefined;
  if (listType !== "map" && listType !== "set") return () => undefined;
  const keyOf = (item: unknown): string =>
    JSON.stringify(listType === "set" ? item : listMapKeys.map((key) => (isRecord(item) ? item[key] : undefined)));
  const byKey = new Map((old as unknown[]).map((item) => [keyOf(item), item]));
  return (item) => byKey.get(keyOf(item));
}
