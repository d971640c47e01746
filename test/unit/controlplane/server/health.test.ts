/** Health endpoints answer as upstream's: plain, verbose, with checks left out, and single checks. */
import { expect, test } from "vitest";
import type { ApiResponse } from "../../../../src/controlplane/apiserver/context.ts";
import { Health } from "../../../../src/controlplane/apiserver/health/health.ts";
import { requestInfo } from "../../../../src/controlplane/apiserver/request/info.ts";

async function ask(health: Health, target: string): Promise<{ code: number; text: string } | undefined> {
  const { pathname, searchParams } = new URL(target, "http://x");
  const info = requestInfo("GET", pathname, searchParams)!;
  const response = (await health.respond({ info, query: searchParams })) as Extract<ApiResponse, { body: unknown }>;
  return response && { code: response.code, text: (response.body as Buffer).toString() };
}

const broken = { name: "etcd", check: () => Promise.reject(new Error("connection refused")) };

test("a healthy server says ok, and every check where it is asked to", async () => {
  const health = new Health([{ name: "informer-sync", of: ["readyz"], check: () => undefined }]);
  expect(await ask(health, "/healthz")).toEqual({ code: 200, text: "ok" });
  const text = "[+]ping ok\n[+]informer-sync ok\n[+]shutdown ok\nreadyz check passed\n";
  expect(await ask(health, "/readyz?verbose")).toEqual({ code: 200, text });
  expect(await ask(health, "/livez?verbose")).toEqual({ code: 200, text: "[+]ping ok\nlivez check passed\n" });
});

test("a failing check is named, and its reason is told to who asks for it alone", async () => {
  const health = new Health([broken]);
  const text = "[+]ping ok\n[-]etcd failed: reason withheld\nlivez check failed\n";
  expect(await ask(health, "/livez")).toEqual({ code: 500, text });
  expect(await ask(health, "/livez/etcd")).toEqual({
    code: 500,
    text: "internal server error: connection refused\n",
  });
  expect(await ask(health, "/livez?exclude=etcd")).toEqual({ code: 200, text: "ok" });
});

test("what cannot be left out is said", async () => {
  const answer = await ask(new Health([]), "/livez?verbose&exclude=a&exclude=b");
  expect(answer!.text).toContain('warn: some health checks cannot be excluded: no matches for "a","b"\n');
});

test("a hook after the start is waited for", async () => {
  const health = new Health([]);
  const done = health.postStartHook("rbac/bootstrap-roles");
  expect(await ask(health, "/readyz/poststarthook/rbac/bootstrap-roles")).toMatchObject({ code: 500 });
  done();
  expect(await ask(health, "/readyz/poststarthook/rbac/bootstrap-roles")).toEqual({ code: 200, text: "ok" });
});

test("a server that stops is alive and not ready", async () => {
  const health = new Health([]);
  health.stop();
  expect(await ask(health, "/livez")).toMatchObject({ code: 200 });
  expect(await ask(health, "/readyz")).toMatchObject({ code: 500 });
});

test("a check that does not answer fails in time", async () => {
  const health = new Health([{ name: "etcd", check: () => new Promise(() => undefined) }]);
  expect(await ask(health, "/livez/etcd")).toMatchObject({ code: 500, text: expect.stringContaining("2000 ms") });
});

test("other paths are others', and a check that is not there is not found", async () => {
  const health = new Health([]);
  expect(await ask(health, "/healthzz")).toBeUndefined();
  await expect(ask(health, "/livez/shutdown")).rejects.toMatchObject({ reason: "NotFound" });
});
