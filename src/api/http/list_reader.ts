/** A list of which few fields are wanted: what is large is picked off this thread, and read here item by item. */
import { JsonFields } from "../json_fields.ts";

export interface ListAnswer<T> {
  readonly items: readonly T[] | null;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

/**
 * Items of a JSON list, a line each, and then, as the last line, its other fields: of all of them what `paths` names
 * (native.ts, pickJsonList).
 */
export type PickList = (list: Buffer, paths: readonly string[]) => Promise<Buffer>;

/** Below this reading costs less than asking somebody else. */
const fewBytes = 32 * 1024;
const listMetadata = { resourceVersion: true, continue: true } as const;
const newline = 0x0a;

interface ListReading {
  readonly pick?: PickList | undefined;
  /** Told of where the next page begins before the items of this one are made. */
  readonly onNext?: ((place: string) => void) | undefined;
}

/** @param fields of each item, with what is made of it @throws SyntaxError where it is no JSON */
export async function readList<T>(
  list: Buffer,
  fields: JsonFields,
  { pick, onNext }: ListReading = {},
): Promise<ListAnswer<T>> {
  const wanted = new JsonFields({ metadata: listMetadata, items: fields });
  if (pick === undefined || list.length < fewBytes) return wanted.read(list) as ListAnswer<T>;
  const picked = await tried(pick, list, wanted.paths());
  if (picked === undefined) return wanted.read(list) as ListAnswer<T>;
  const itemsEnd = picked.lastIndexOf(newline) + 1;
  const { metadata } = JSON.parse(picked.toString("utf8", itemsEnd)) as Pick<ListAnswer<T>, "metadata">;
  if (metadata.continue) onNext?.(metadata.continue);
  const items: T[] = [];
  for (let from = 0; from < itemsEnd;) {
    const end = picked.indexOf(newline, from);
    const item = JSON.parse(picked.toString("utf8", from, end)) as object;
    items.push((fields.make ? fields.make(item) : item) as T);
    from = end + 1;
  }
  return { items, metadata };
}

/** What it does not take is rare, or no JSON: either shows when it is read here. */
async function tried(pick: PickList, ...list: Parameters<PickList>): Promise<Buffer | undefined> {
  try {
    return await pick(...list);
  } catch {
    return undefined;
  }
}
