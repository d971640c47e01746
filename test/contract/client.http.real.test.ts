/** The client over HTTPS, on a server on each store; and what only a connection can do: break. */
import { mkdtempSync, rmSync } from "node:fs";
import http2 from "node:http2";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HttpClient } from "../../src/api/http/http_client.ts";
import { HttpWatch } from "../../src/api/http/http_watch.ts";
import type { StatusError } from "../../src/api/status_error.ts";
import { Transport } from "../../src/api/http/transport.ts";
import { Informer } from "../../src/api/informer.ts";
import { resourceTypes } from "../../src/api/resource_types.ts";
import { EmbeddedStore } from "../../src/controlplane/store/embedded/embedded_store.ts";
import { freePort } from "../fixtures/etcd.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startSecureServer, type SecureServer } from "../fixtures/secure_server.ts";
import { openStore, storeKinds } from "../fixtures/stores.ts";
import { describeClient } from "./client.ts";

const { configMaps } = resourceTypes;
const clientOf = (server: SecureServer, timeoutMs?: number): HttpClient =>
  new HttpClient({
    kubeconfig: server.api.adminKubeconfig,
    userAgent: "fairlead-test",
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });

for (const kind of storeKinds) {
  describeClient(`HTTP (store: ${kind})`, async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "fairlead-client-"));
    const store = await openStore(kind, folder);
    const server = await startSecureServer({ store: store.store });
    // Shorter than what a disruption budget says to wait.
    const client = clientOf(server, 9000);
    return {
      client,
      async stop() {
        client.close();
        await server.stop();
        await store.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  });
}

describe("over a server that goes and comes", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "fairlead-client-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = async (port: number): Promise<SecureServer> => {
    const store = await EmbeddedStore.open({ file: path.join(folder, "store.db") });
    return startSecureServer({ dataDir: folder, store, port });
  };

  it("an informer goes on, and misses nothing", async () => {
    const port = await freePort();
    const first = await start(port);
    const client = clientOf(first);
    const failures: unknown[] = [];
    const informer = new Informer(client, configMaps, {
      namespace: "default",
      onError: (error) => failures.push(error),
    });
    informer.start();
    expect(await informer.synced(5000)).toBe(true);
    await client.create(configMaps, { metadata: { namespace: "default", name: "before" } });
    await eventually("the object before", () => informer.objects.get("default/before"));
    await first.stop();
    await expect(client.create(configMaps, { metadata: { namespace: "default", name: "none" } })).rejects.toMatchObject(
      {
        code: 0,
      },
    );
    const second = await start(port);
    await client.delete(configMaps, { namespace: "default", name: "before" });
    await client.create(configMaps, { metadata: { namespace: "default", name: "after" } });
    await eventually("the object after", () => informer.objects.get("default/after"), 40_000);
    expect(informer.objects.get("default/before")).toBeUndefined();
    informer.stop();
    client.close();
    await second.stop();
  });
});

describe("bounds", () => {
  let server: http2.Http2Server;
  let answer: (stream: http2.ServerHttp2Stream, path: string) => void;
  let asked: string[];
  let transport: Transport;
  let sent: string[];
  beforeEach(async () => {
    asked = [];
    sent = [];
    server = http2.createServer();
    server.on("stream", (stream, headers) => {
      asked.push(`${headers[":method"]} ${headers[":path"]}`);
      stream.on("error", () => undefined);
      answer(stream, String(headers[":path"]));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    transport = new Transport({
      server: `http://127.0.0.1:${port}`,
      credentials: () => Promise.resolve({ tls: {}, headers: { authorization: "Bearer t" } }),
      userAgent: "test",
      timeoutMs: 4000,
      onSent: ({ method, code, seconds }) => sent.push(`${method} ${code} ${seconds >= 0 && seconds < 60}`),
    });
  });
  afterEach(async () => {
    transport.close();
    await new Promise((resolve) => server.close(resolve));
  });
  const get = () => transport.json({ method: "GET", path: "/thing" });
  const post = () => transport.json({ method: "POST", path: "/thing", body: {} });

  it("waits as long as a server that is busy says, and asks again", async () => {
    answer = (stream) => {
      if (asked.length === 1) {
        stream.respond({ ":status": 429, "retry-after": "1" });
        stream.end('{"kind":"Status","code":429,"reason":"TooManyRequests"}');
        return;
      }
      stream.respond({ ":status": 200 });
      stream.end('{"ok":true}');
    };
    const from = performance.now();
    expect(await post()).toEqual({ ok: true });
    expect(performance.now() - from).toBeGreaterThanOrEqual(990);
    expect(asked).toHaveLength(2);
    expect(sent).toEqual(["POST 429 true", "POST 200 true"]);
  });

  it("gives up on a server that stays busy, in time", async () => {
    answer = (stream) => {
      stream.respond({ ":status": 429, "retry-after": "3" });
      stream.end('{"kind":"Status","code":429,"reason":"TooManyRequests","message":"later"}');
    };
    await expect(get()).rejects.toMatchObject({ code: 429, reason: "TooManyRequests", message: "later" });
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  it("gives up on a server that does not answer", async () => {
    answer = () => undefined;
    await expect(post()).rejects.toMatchObject({
      code: 0,
      message: expect.stringMatching(/^no answer within/) as string,
    });
    expect(asked).toHaveLength(1);
    await eventually("it is told", () => sent.length > 0);
    expect(sent).toEqual(["POST undefined true"]);
  });

  it("reads again over a connection that broke, and does not write again", async () => {
    answer = (stream) => {
      if (asked.length === 1) {
        stream.session?.destroy();
        return;
      }
      stream.respond({ ":status": 200 });
      stream.end('{"ok":true}');
    };
    expect(await get()).toEqual({ ok: true });
    asked.length = 0;
    await expect(post()).rejects.toMatchObject({ code: 0 });
    expect(asked).toEqual(["POST /thing"]);
  });

  it("takes an answer or a watch that is reset for what has no end", async () => {
    answer = (stream) => {
      stream.respond({ ":status": 200 });
      stream.write('{"half":', () => setTimeout(() => stream.destroy(), 20));
    };
    await expect(post()).rejects.toMatchObject({ code: 0 });
    const ended = new Promise<StatusError | undefined>((resolve) => {
      const watch = new HttpWatch({ onEvent: () => undefined, onEnd: resolve });
      void watch.follow(() => transport.open({ method: "GET", path: "/watch" }));
    });
    expect(await ended).toMatchObject({ code: 0, message: "the connection ended" });
  });

  it("takes what is no Status for what it is", async () => {
    answer = (stream) => {
      stream.respond({ ":status": 502 });
      stream.end("<html>bad gateway</html>");
    };
    await expect(get()).rejects.toMatchObject({ code: 502, reason: "", message: "<html>bad gateway</html>" });
  });
});
