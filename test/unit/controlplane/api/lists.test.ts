/** Lists of many objects: in pages, of now and of the past, as Tables and as metadata alone. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type Answer, type RunningServer } from "../../../fixtures/api_server.ts";

const maps = "/api/v1/namespaces/default/configmaps";
/** More than a read of the past takes at once (500). */
const count = 1100;
let server: RunningServer;
let before: string;

const nameOf = (i: number): string => `m${String(i).padStart(4, "0")}`;
const make = (i: number): Promise<Answer> =>
  server.request("POST", maps, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: nameOf(i), labels: { tenth: String(i % 10 === 0) } },
  });
interface List {
  readonly names: string[];
  readonly pages: number[];
  readonly remaining: (number | undefined)[];
}

beforeAll(async () => {
  server = await startServer();
  for (let from = 0; from < count; from += 100) {
    const made = await Promise.all(Array.from({ length: 100 }, (_, i) => make(from + i)));
    expect(new Set(made.map(({ code }) => code))).toEqual(new Set([201]));
  }
  before = (await server.request("GET", `${maps}?limit=1`)).body.metadata.resourceVersion as string;
  // What comes afterwards is not of the past.
  await server.request("DELETE", `${maps}/${nameOf(7)}`);
  await make(count);
});
afterAll(() => server.stop());

/** Every page. */
async function listed(query: string, accept = "application/json"): Promise<List> {
  const list: List = { names: [], pages: [], remaining: [] };
  for (let next = ""; ;) {
    const { code, body } = await server.request("GET", `${maps}?${query}${next}`, undefined, { accept });
    expect(code, JSON.stringify(body)).toBe(200);
    const items = (body.items ?? body.rows.map((row: { object: object }) => row.object)) as {
      metadata: { name: string };
    }[];
    list.names.push(...items.map(({ metadata }) => metadata.name));
    list.pages.push(items.length);
    const { continue: token, remainingItemCount } = body.metadata as { continue?: string; remainingItemCount?: number };
    list.remaining.push(remainingItemCount);
    if (!token) return list;
    next = `&continue=${token}`;
    query = query.replace(/&?resourceVersion(Match)?=[^&]*/g, "");
  }
}

const all = Array.from({ length: count }, (_, i) => nameOf(i));
const tenths = all.filter((_, i) => i % 10 === 0);
const past = (): string => `resourceVersion=${before}&resourceVersionMatch=Exact`;

describe("of the past", () => {
  it("come whole", async () => {
    expect(await listed(past())).toEqual({ names: all, pages: [count], remaining: [undefined] });
  });

  it("come in pages that say how many remain", async () => {
    const list = await listed(`${past()}&limit=400`);
    expect(list).toEqual({ names: all, pages: [400, 400, 300], remaining: [700, 300, undefined] });
  });

  it("come in pages larger than one read", async () => {
    const list = await listed(`${past()}&limit=600`);
    expect(list).toEqual({ names: all, pages: [600, 500], remaining: [500, undefined] });
  });

  it("come in pages of what is selected, and nobody knows how many remain", async () => {
    const list = await listed(`${past()}&limit=60&labelSelector=tenth%3Dtrue`);
    expect(list).toEqual({ names: tenths, pages: [60, 50], remaining: [undefined, undefined] });
  });
});

describe("of now", () => {
  const now = [...all.filter((name) => name !== nameOf(7)), nameOf(count)];

  it("go on as they were at their first page", async () => {
    const list = await listed("limit=500");
    expect(list).toEqual({ names: now, pages: [500, 500, 100], remaining: [600, 100, undefined] });
  });

  it("come in pages of what is selected", async () => {
    const list = await listed("limit=100&labelSelector=tenth%3Dtrue");
    expect(list).toEqual({ names: [...tenths, nameOf(count)], pages: [100, 11], remaining: [undefined, undefined] });
    expect(await listed(`fieldSelector=metadata.name%3D${nameOf(9)}`)).toMatchObject({ names: [nameOf(9)] });
  });

  it.each(["Table", "PartialObjectMetadataList"])("are as long as a %s", async (as) => {
    const accept = `application/json;as=${as};v=v1;g=meta.k8s.io`;
    expect((await listed("", accept)).names).toEqual(now);
    expect(await listed("limit=600", accept)).toEqual({
      names: now,
      pages: [600, 500],
      remaining: [500, undefined],
    });
  });
});
