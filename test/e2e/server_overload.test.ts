/** More requests than the server answers at one time: 429 for those beyond, and none for who mends the cluster. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { User } from "../../src/controlplane/apiserver/context.ts";
import { HttpServer } from "../../src/controlplane/apiserver/http/server.ts";
import { jsonResponse } from "../../src/controlplane/apiserver/context.ts";
import { eventually } from "../fixtures/eventually.ts";

let server: HttpServer;
let url: string;
let waiting: (() => void)[] = [];

beforeAll(async () => {
  server = new HttpServer({
    host: "127.0.0.1",
    port: 0,
    maxInFlight: { readOnly: 2, mutating: 1 },
    authenticate: ({ token }): Promise<User> =>
      Promise.resolve({ name: "someone", groups: token === "admin" ? ["system:masters"] : [] }),
    handle: async ({ info }) => {
      if (info.path.startsWith("/api")) await new Promise<void>((resolve) => waiting.push(resolve));
      return jsonResponse(200, {});
    },
    onInternalError: (error) => {
      throw error as Error;
    },
  });
  url = `http://127.0.0.1:${await server.listen()}`;
});
afterAll(() => server.close(0));

const pods = "/api/v1/namespaces/default/pods";
const ask = (method: string, path: string, token = "user") =>
  fetch(url + path, { method, headers: { Authorization: `Bearer ${token}` } });

it("turns reads and writes away beyond the bound of each, and lets the rest in when some have ended", async () => {
  const reads = [ask("GET", pods), ask("GET", pods)];
  const write = ask("DELETE", `${pods}/a`);
  await eventually("three in flight", () => waiting.length === 3);
  expect(server.inFlight).toEqual({ readOnly: 2, mutating: 1 });
  for (const method of ["GET", "POST"]) {
    const refused = await ask(method, pods);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toMatchObject({ kind: "Status", reason: "TooManyRequests", code: 429 });
  }
  // Health, watches and administrators are not turned away.
  expect((await ask("GET", "/readyz")).status).toBe(200);
  const watch = ask("GET", `${pods}?watch=true`);
  const admin = ask("GET", pods, "admin");
  await eventually("five in flight", () => waiting.length === 5);
  for (const resolve of waiting.splice(0)) resolve();
  for (const answer of [...reads, write, watch, admin]) expect((await answer).status).toBe(200);
  expect(server.inFlight).toEqual({ readOnly: 0, mutating: 0 });
  waiting = [];
});
