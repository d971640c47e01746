/** The API as a program sees it, over HTTP: reads, writes, lists, watches. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../fixtures/api_server.ts";

let api: RunningServer;
beforeAll(async () => {
  api = await startServer();
});
afterAll(async () => {
  expect(api.internalErrors).toEqual([]);
  await api.stop();
});

const maps = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string, labels = {}) => ({
  kind: "ConfigMap",
  apiVersion: "v1",
  metadata: { name, labels },
  data: { a: "1" },
});

describe("one object", () => {
  it("is created, read, updated at its version and deleted", async () => {
    const created = await api.request("POST", maps, configMap("one"));
    expect(created.code).toBe(201);
    expect(created.body.metadata).toMatchObject({ name: "one", namespace: "default" });
    expect(created.body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect((await api.request("GET", `${maps}/one`)).body).toEqual(created.body);
    const updated = await api.request("PUT", `${maps}/one`, { ...created.body, data: { a: "2" } });
    expect([updated.code, updated.body.data]).toEqual([200, { a: "2" }]);
    const stale = await api.request("PUT", `${maps}/one`, { ...created.body, data: { a: "3" } });
    expect([stale.code, stale.body.reason]).toEqual([409, "Conflict"]);
    const deleted = await api.request("DELETE", `${maps}/one`);
    expect([deleted.code, deleted.body.status]).toEqual([200, "Success"]);
    expect((await api.request("GET", `${maps}/one`)).body).toMatchObject({
      kind: "Status",
      code: 404,
      reason: "NotFound",
      message: 'configmaps "one" not found',
      details: { name: "one", kind: "configmaps" },
    });
  });

  it("is created once", async () => {
    await api.request("POST", maps, configMap("twice"));
    const again = await api.request("POST", maps, configMap("twice"));
    expect(again.body).toMatchObject({
      code: 409,
      reason: "AlreadyExists",
      message: 'configmaps "twice" already exists',
    });
  });

  it("gets a name where it has only the beginning of one", async () => {
    const { body } = await api.request("POST", maps, { ...configMap(""), metadata: { generateName: "gen-" } });
    expect(body.metadata.name).toMatch(/^gen-[a-z0-9]{5}$/);
  });

  it("is not changed by a dry run", async () => {
    const dry = await api.request("POST", `${maps}?dryRun=All`, configMap("dry"));
    expect([dry.code, (await api.request("GET", `${maps}/dry`)).code]).toEqual([201, 404]);
  });

  it("waits for its finalizers", async () => {
    const held = configMap("held");
    await api.request("POST", maps, { ...held, metadata: { name: "held", finalizers: ["example.com/x"] } });
    const marked = await api.request("DELETE", `${maps}/held`);
    expect(marked.body.metadata.deletionTimestamp).toMatch(/Z$/);
    const released = { ...marked.body, metadata: { ...marked.body.metadata, finalizers: [] } };
    expect((await api.request("PUT", `${maps}/held`, released)).code).toBe(200);
    expect((await api.request("GET", `${maps}/held`)).code).toBe(404);
  });
});

describe("what is wrong is refused with a Status", () => {
  it.each([
    ["not JSON", "{", 400],
    ["another kind", { ...configMap("x"), kind: "Secret" }, 400],
    ["another namespace", { ...configMap("x"), metadata: { name: "x", namespace: "other" } }, 400],
    ["a wrong type", { ...configMap("x"), data: { a: 1 } }, 400],
    ["no name", { ...configMap(""), metadata: {} }, 422],
    ["a bad name", configMap("A_b"), 422],
    ["an array", [], 400],
    ["null", "null", 400],
  ])("%s", async (_what, body, code) => {
    const answer = await api.request("POST", maps, body);
    expect(answer.body).toMatchObject({ kind: "Status", status: "Failure", code });
  });

  it("tells of unknown fields in a warning, or refuses them when asked to", async () => {
    const body = { ...configMap("odd"), extra: 1 };
    const warned = await api.request("POST", maps, body);
    expect([warned.code, warned.headers.get("warning")]).toEqual([201, '299 - "unknown field \\"extra\\""']);
    expect(warned.body.extra).toBeUndefined();
    const strict = await api.request("POST", `${maps}?fieldValidation=Strict`, { ...configMap("odd2"), extra: 1 });
    expect([strict.code, strict.body.message]).toEqual([400, expect.stringContaining('unknown field "extra"')]);
  });
});

describe("lists", () => {
  const where = "/api/v1/namespaces/lists/configmaps";
  beforeAll(async () => {
    for (let i = 0; i < 7; i++) {
      const labels = { odd: String(i % 2 === 1) };
      await api.request("POST", where, configMap(`c${i}`, labels));
    }
  });
  const names = (body: { items: { metadata: { name: string } }[] }) => body.items.map((item) => item.metadata.name);

  it("hold a namespace's objects, or all", async () => {
    const { body } = await api.request("GET", where);
    expect([body.kind, body.apiVersion, names(body).length]).toEqual(["ConfigMapList", "v1", 7]);
    expect(names((await api.request("GET", "/api/v1/configmaps")).body).length).toBeGreaterThan(7);
  });

  it("are read in pages of one moment", async () => {
    const first = (await api.request("GET", `${where}?limit=3`)).body;
    expect([names(first), first.metadata.remainingItemCount]).toEqual([["c0", "c1", "c2"], 4]);
    await api.request("DELETE", `${where}/c6`);
    const rest = (await api.request("GET", `${where}?limit=9&continue=${first.metadata.continue}`)).body;
    expect([names(rest), rest.metadata.continue]).toEqual([["c3", "c4", "c5", "c6"], undefined]);
    await api.request("POST", where, configMap("c6"));
  });

  it("are selected by labels and fields", async () => {
    expect(names((await api.request("GET", `${where}?labelSelector=odd%3Dtrue`)).body)).toEqual(["c1", "c3", "c5"]);
    expect(names((await api.request("GET", `${where}?fieldSelector=metadata.name%3Dc2`)).body)).toEqual(["c2"]);
  });

  it("come as a table where that is asked for", async () => {
    const accept = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json";
    const { body } = await api.request("GET", where, undefined, { Accept: accept });
    expect([body.kind, body.rows.length]).toEqual(["Table", 7]);
  });

  it("are deleted as a collection", async () => {
    expect((await api.request("DELETE", `${where}?labelSelector=odd%3Dtrue`)).code).toBe(200);
    expect(names((await api.request("GET", where)).body)).toEqual(["c0", "c2", "c4", "c6"]);
  });
});

describe("watches", () => {
  const where = "/api/v1/namespaces/watches/configmaps";

  /** Reads events of a watch until `count` have come. */
  async function events(query: string, count: number, act: () => Promise<unknown>): Promise<any[]> {
    const stop = new AbortController();
    const response = await fetch(`${api.url}${where}?watch=1&${query}`, { signal: stop.signal });
    const reader = response.body!.getReader();
    const seen: unknown[] = [];
    let text = "";
    await act();
    while (seen.length < count) {
      const { value, done } = await reader.read();
      if (done) break;
      text += Buffer.from(value).toString();
      const lines = text.split("\n");
      text = lines.pop()!;
      seen.push(...lines.map((line) => JSON.parse(line) as unknown));
    }
    stop.abort();
    return seen;
  }

  it("see objects come, change and go", async () => {
    const { body } = await api.request("GET", where);
    const seen = await events(`resourceVersion=${body.metadata.resourceVersion}`, 3, async () => {
      const { body: made } = await api.request("POST", where, configMap("w"));
      await api.request("PUT", `${where}/w`, { ...made, data: { b: "2" } });
      await api.request("DELETE", `${where}/w`);
    });
    expect(seen.map((e) => `${e.type} ${e.object.metadata.name}`)).toEqual(["ADDED w", "MODIFIED w", "DELETED w"]);
    const versions = seen.map((e) => Number(e.object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
  });

  it("with a selector see objects come into it and leave it", async () => {
    const { body } = await api.request("GET", where);
    const query = `resourceVersion=${body.metadata.resourceVersion}&labelSelector=on%3D1`;
    const seen = await events(query, 2, async () => {
      const { body: made } = await api.request("POST", where, configMap("s"));
      const { body: on } = await api.request("PUT", `${where}/s`, {
        ...made,
        metadata: { ...made.metadata, labels: { on: "1" } },
      });
      await api.request("PUT", `${where}/s`, { ...on, metadata: { ...on.metadata, labels: {} } });
    });
    expect(seen.map((e) => e.type)).toEqual(["ADDED", "DELETED"]);
  });

  it("begin with the initial events and a bookmark when asked to", async () => {
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const seen = await events(query, 2, () => Promise.resolve());
    expect(seen.map((e) => e.type)).toEqual(["ADDED", "BOOKMARK"]);
    expect(seen[1].object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
  });
});
