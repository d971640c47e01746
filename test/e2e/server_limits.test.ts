/** What clients cannot do to the server: over TLS, with raw connections where a client library would behave. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import http2 from "node:http2";
import https from "node:https";
import tls from "node:tls";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parse } from "yaml";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { startSecureServer, type SecureServer } from "../fixtures/secure_server.ts";

let server: SecureServer;
let identity: { ca: Buffer; cert: Buffer; key: Buffer };
const open = new Set<{ destroy(): void }>();

beforeAll(async () => {
  server = await startSecureServer();
  const { clusters, users } = parse(readFileSync(server.api.adminKubeconfig, "utf8"));
  const decoded = (text: string): Buffer => Buffer.from(text, "base64");
  identity = {
    ca: decoded(clusters[0].cluster["certificate-authority-data"]),
    cert: decoded(users[0].user["client-certificate-data"]),
    key: decoded(users[0].user["client-key-data"]),
  };
});
afterEach(() => {
  for (const connection of open) connection.destroy();
  open.clear();
});
afterAll(async () => {
  expect(server.internalErrors).toEqual([]);
  await server.stop();
});

/** A TLS connection on which a test writes what it likes. */
async function connect(): Promise<{ socket: tls.TLSSocket; received: () => string; ended: Promise<unknown> }> {
  const socket = tls.connect({ host: "127.0.0.1", port: server.api.port, ...identity });
  open.add(socket);
  let received = "";
  socket.on("data", (part: Buffer) => (received += part.toString("latin1")));
  socket.on("error", () => undefined);
  const ended = new Promise((resolve) => socket.once("close", resolve));
  await once(socket, "secureConnect");
  return { socket, received: () => received, ended };
}

async function request(method: string, path: string, headers: Record<string, string> = {}, body?: Buffer | string) {
  const sent = https.request({ host: "127.0.0.1", port: server.api.port, method, path, headers, ...identity });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response as AsyncIterable<Buffer>) parts.push(part);
  return { code: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) };
}

function session(): http2.ClientHttp2Session {
  const client = http2.connect(server.url, identity);
  client.on("error", () => undefined);
  open.add(client);
  return client;
}

async function stillServes(): Promise<void> {
  expect((await request("GET", "/readyz")).code).toBe(200);
}

const configMaps = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string, text: string): string =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { text } });

describe("sizes", () => {
  it("headers beyond the bound are answered with 431", async () => {
    const { socket, received, ended } = await connect();
    socket.write(`GET /api HTTP/1.1\r\nHost: x\r\nX-Large: ${"x".repeat(80 * 1024)}\r\n\r\n`);
    await ended;
    expect(received()).toMatch(/^HTTP\/1\.1 431 /);
    // Below it they are taken: a token may be long.
    expect((await request("GET", "/readyz", { "X-Large": "x".repeat(48 * 1024) })).code).toBe(200);
  });

  it("a body beyond 3 MiB gets a Status of 413, whether it says its length or not", async () => {
    const large = Buffer.alloc(4 * 1024 * 1024, "x");
    const headers = { "Content-Type": "application/json" };
    for (const extra of [{ "Content-Length": String(large.length) }, { "Transfer-Encoding": "chunked" }]) {
      const { code, body } = await request("POST", configMaps, { ...headers, ...extra }, large);
      expect(code).toBe(413);
      expect(JSON.parse(body.toString())).toMatchObject({
        kind: "Status",
        reason: "RequestEntityTooLarge",
        message: "Request entity too large: limit is 3145728",
      });
    }
  });
});

describe("slow clients", () => {
  it("headers that do not come end the connection", async () => {
    const { socket, ended } = await connect();
    const startedMs = Date.now();
    socket.write("GET /api HTTP/1.1\r\nHost: x\r\n");
    const drip = setInterval(() => socket.write("X-Drip: 1\r\n"), 500);
    await ended;
    clearInterval(drip);
    expect(Date.now() - startedMs).toBeLessThan(20_000);
  }, 30_000);

  it.each(["HTTP/1.1", "HTTP/2"])("a watcher that does not read is closed at the bound, over %s", async (protocol) => {
    const path = `${configMaps}?watch=true`;
    let closed: Promise<unknown>;
    if (protocol === "HTTP/2") {
      const stream = session().request({ ":path": path });
      await once(stream, "response");
      stream.on("error", () => undefined);
      closed = new Promise((resolve) => stream.once("close", resolve));
    } else {
      const { socket, received, ended } = await connect();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await eventually("the watch", () => received().startsWith("HTTP/1.1 200"));
      socket.pause();
      closed = ended;
    }
    const gauge = async (): Promise<string> => (await request("GET", "/metrics")).body.toString();
    const isOpen = /^apiserver_longrunning_requests\{verb="WATCH",.*resource="configmaps".*\} [1-9]/m;
    await eventually("the watch's count", async () => isOpen.test(await gauge()));
    const before = process.memoryUsage().arrayBuffers;
    const name = `slow-${protocol.replace(/\W/g, "").toLowerCase()}`;
    await request("POST", configMaps, { "Content-Type": "application/json" }, configMap(name, "x"));
    // 40 MB of events, of which a client that reads nothing may leave 16 MiB queued.
    for (let i = 0; i < 40 && isOpen.test(await gauge()); i++) {
      const headers = { "Content-Type": "application/json" };
      await request("PUT", `${configMaps}/${name}`, headers, configMap(name, `${i}`.padEnd(1_000_000, "x")));
    }
    await eventually("the end of the watch", async () => !isOpen.test(await gauge()));
    // The cache keeps 32 MB of history besides.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(150 * 1024 * 1024);
    for (const connection of open) connection.destroy();
    await closed;
    await request("DELETE", `${configMaps}/${name}`);
  });
});

describe("malformed requests", () => {
  it.each([
    "GARBAGE\r\n\r\n",
    "GET  HTTP/1.1\r\n\r\n",
    "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET /api HTTP/1.1\r\nHost: x\r\nAudit-ID: a\tb\r\nConnection: close\r\n\r\n",
    "\0\0\0\0\r\n\r\n",
  ])("%j gets a 4xx, or its connection closed", async (text) => {
    const { socket, received, ended } = await connect();
    socket.write(text);
    setTimeout(() => socket.end(), 200);
    await ended;
    expect(received()).toMatch(/^(HTTP\/1\.1 (4\d\d|200) |$)/);
    await stillServes();
  });

  it("methods that nothing answers get 405", async () => {
    const { code, body } = await request("OPTIONS", "/api/v1/pods");
    expect(code).toBe(405);
    expect(JSON.parse(body.toString())).toMatchObject({ reason: "MethodNotAllowed" });
  });

  it("a client that opens and resets streams without end is cut off, and others are served", async () => {
    const client = session();
    const closed = new Promise((resolve) => client.once("close", resolve));
    // Many times what a server bears, but an end: who is slower than the server's answer would drown in its own streams.
    let left = 20_000;
    const flood = setInterval(() => {
      for (let i = 0; i < 500 && left > 0 && !client.closed && !client.destroyed; i++) {
        left--;
        const stream = client.request({ ":path": "/readyz" });
        stream.on("error", () => undefined);
        stream.close(http2.constants.NGHTTP2_CANCEL);
      }
    }, 10);
    await closed;
    clearInterval(flood);
    await stillServes();
  }, 30_000);
});

describe("responses", () => {
  it("carry an Audit-Id: the client's, or one of the server's", async () => {
    const own = await request("GET", "/readyz", { "Audit-ID": "mine-1" });
    expect(own.headers["audit-id"]).toBe("mine-1");
    expect((await request("GET", "/readyz")).headers["audit-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("of HEAD say the length and have no body", async () => {
    const whole = await request("GET", "/version");
    const { code, headers, body } = await request("HEAD", "/version");
    expect(code).toBe(200);
    expect(headers["content-length"]).toBe(String(whole.body.length));
    expect(body.length).toBe(0);
  });

  it("are compressed beyond 128 KiB for who takes gzip, and for nobody else", async () => {
    const text = "some words that repeat ".repeat(10_000);
    const headers = { "Content-Type": "application/json" };
    await request("POST", configMaps, headers, configMap("large", text));
    const plain = await request("GET", `${configMaps}/large`);
    expect(plain.headers["content-encoding"]).toBeUndefined();
    const packed = await request("GET", `${configMaps}/large`, { "Accept-Encoding": "deflate, gzip" });
    expect(packed.headers).toMatchObject({ "content-encoding": "gzip", vary: "Accept-Encoding" });
    expect(packed.body.length).toBeLessThan(plain.body.length / 10);
    expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
    const refused = await request("GET", `${configMaps}/large`, { "Accept-Encoding": "gzip;q=0" });
    expect(refused.headers["content-encoding"]).toBeUndefined();
    const small = await request("GET", "/version", { "Accept-Encoding": "gzip" });
    expect(small.headers["content-encoding"]).toBeUndefined();
  });

  it("of 40 MB leave the event loop its turns, and come whole to a slow reader", async () => {
    const headers = { "Content-Type": "application/json" };
    for (let i = 0; i < 40; i++) {
      await request("POST", configMaps, headers, configMap(`part-${i}`, `${i}`.padEnd(1_000_000, "x")));
    }
    let longest = 0;
    let last = performance.now();
    const ticks = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const { body } = await request("GET", configMaps);
    clearInterval(ticks);
    const items = JSON.parse(body.toString()).items as { metadata: { name: string } }[];
    expect(items.filter(({ metadata }) => metadata.name.startsWith("part-"))).toHaveLength(40);
    // The reader shares the loop: this bounds both.
    expect(longest).toBeLessThan(250);
    await server.run(["delete", "configmaps", "--all"]);
  });
});
