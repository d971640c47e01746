/** A request's signal tells that the client is gone, and nothing else. */
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { anonymous, jsonResponse, type RequestContext } from "../../../../src/controlplane/apiserver/context.ts";
import { HttpServer } from "../../../../src/controlplane/apiserver/http/server.ts";

let server: HttpServer | undefined;
afterEach(() => server?.close(0));

async function listen(handle: (context: RequestContext) => Promise<object>): Promise<number> {
  server = new HttpServer({
    host: "127.0.0.1",
    port: 0,
    authenticate: () => Promise.resolve(anonymous),
    handle: async (context) => jsonResponse(200, await handle(context)),
    onInternalError: (error) => {
      throw error;
    },
  });
  return server.listen();
}

it("stays silent while a body is read and answered", async () => {
  const port = await listen(async (context) => {
    const size = (await context.body()).length;
    await sleep(50);
    return { size, aborted: context.signal.aborted };
  });
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/namespaces`, { method: "POST", body: "{}" });
  expect(await answer.json()).toEqual({ size: 2, aborted: false });
});

it("aborts when the client goes away", async () => {
  const aborted = new Promise<void>((resolve) => {
    void listen(async (context) => {
      context.signal.addEventListener("abort", () => resolve());
      await sleep(5000, undefined, { signal: context.signal }).catch(() => undefined);
      return {};
    }).then((port) => {
      const request = http.get({ host: "127.0.0.1", port, path: "/api/v1/namespaces" });
      request.once("error", () => undefined);
      setTimeout(() => request.destroy(), 100);
    });
  });
  await aborted;
});
