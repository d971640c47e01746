/** A list of which few fields are wanted: what is large is picked off this thread, and read here item by item. */
import { JsonFields } from "../json_fields.ts";

export interface ListAnswer<T> {
  readonly items: readonly T[] | null;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

/**
 * Items of a JSON list, a line each, and then, as the last line, its other fields: of all of them what `paths` names, and
 * of items that are as most are their words, where `paths` says so (native.ts, pickJsonList; line_form.ts).
 */
export type PickList = (list: Buffer, paths: readonly string[]) => Promise<Buffer>;

/** Below this reading costs less than asking somebody else. */
const fewBytes = 32 * 1024;
const listMetadata = { resourceVersion: true, continue: true } as const;
const [newline, openObject] = [0x0a, 0x7b];

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
  const read = (): ListAnswer<T> =>
    new JsonFields({ metadata: listMetadata, items: fields }).read(list) as ListAnswer<T>;
  if (pick === undefined || list.length < fewBytes) return read();
  const picked = await tried(pick, list, pathsOf(fields));
  if (picked === undefined) return read();
  const itemsEnd = picked.lastIndexOf(newline) + 1;
  const { metadata } = JSON.parse(picked.toString("utf8", itemsEnd)) as Pick<ListAnswer<T>, "metadata">;
  if (metadata.continue) onNext?.(metadata.continue);
  const items: T[] = [];
  for (let from = 0; from < itemsEnd;) {
    const end = picked.indexOf(newline, from);
    items.push(itemOf(picked, from, end, fields) as T);
    from = end + 1;
  }
  return { items, metadata };
}

function itemOf(picked: Buffer, from: number, end: number, { make, makeOfLine }: JsonFields): unknown {
  if (makeOfLine !== undefined && picked[from] !== openObject) return makeOfLine(picked.toString("latin1", from, end));
  const item = JSON.parse(picked.toString("utf8", from, end)) as object;
  return make === undefined ? item : make(item);
}

function pathsOf(fields: JsonFields): readonly string[] {
  const withLines = fields.makeOfLine !== undefined;
  const items = fields.paths(withLines).map((path) => `items\n${path}`);
  return [...new JsonFields({ metadata: listMetadata }).paths(), ...(withLines ? ["items\teach"] : []), ...items];
}

/** What it does not take is rare, or no JSON: either shows when it is read here. */
async function tried(pick: PickList, ...list: Parameters<PickList>): Promise<Buffer | undefined> {
  try {
    return await pick(...list);
  } catch {
    return undefined;
  }
}
