/** The listener of health checks and metrics: its bounds, and that it comes to listen in the end. */
import net from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { HttpListener, routes } from "../../../../src/http/listener.ts";
import { PersistentListener } from "../../../../src/http/persistent.ts";
import { eventually } from "../../../fixtures/eventually.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";

const host = "127.0.0.1";
const handler = routes({
  "/a": ({ query }) => ({ code: 200, body: `a ${query.get("x") ?? "-"}` }),
  "/bad": () => Promise.reject(new Error("secret")),
});
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function listener(): Promise<string> {
  const one = await HttpListener.open({ host, port: 0 }, handler);
  open.push(one);
  return `http://${host}:${one.port}`;
}

describe("a listener", () => {
  it("answers by path, and says what is not there or failed without more", async () => {
    const url = await listener();
    const text = async (path: string) => {
      const answer = await fetch(url + path);
      return [answer.status, await answer.text()];
    };
    expect(await text("/a?x=1")).toEqual([200, "a 1"]);
    expect(await text("/a")).toEqual([200, "a -"]);
    expect(await text("/b")).toEqual([404, "404 page not found\n"]);
    expect(await text("/toString")).toEqual([404, "404 page not found\n"]);
    expect(await text("/bad")).toEqual([500, "Internal Server Error\n"]);
    expect((await fetch(`${url}/a`)).headers.get("x-content-type-options")).toBe("nosniff");
    expect(await (await fetch(`${url}/a`, { method: "HEAD" })).text()).toBe("");
  });

  it("does not wait for a body", async () => {
    const url = new URL(await listener());
    const socket = net.connect(Number(url.port), host);
    const ended = new Promise<string>((resolve) => {
      let text = "";
      socket.on("data", (data) => (text += data.toString())).on("close", () => resolve(text));
      socket.on("error", () => undefined);
    });
    socket.write("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    const text = await ended;
    expect(text).toMatch(/^HTTP\/1.1 200 OK[^]*a -$/);
  });

  it("lets idle connections go when too many come", async () => {
    const url = new URL(await listener());
    const sockets = Array.from({ length: 300 }, () => net.connect(Number(url.port), host));
    for (const socket of sockets) {
      socket.on("error", () => undefined).write("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    try {
      await eventually(
        "an answer",
        async () => (await fetch(`${url.origin}/a`).catch(() => undefined))?.status === 200,
      );
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  it("says which address is taken", async () => {
    const { port } = new URL(await listener());
    await expect(HttpListener.open({ host, port: Number(port) }, handler)).rejects.toMatchObject({
      code: "LISTEN",
      subject: `127.0.0.1:${port}`,
    });
  });
});

describe("a persistent listener", () => {
  it("listens as soon as the address is free, or refuses at once where it must", async () => {
    const first = await HttpListener.open({ host, port: 0 }, handler);
    const { port } = first;
    const clock = new FakeClock();
    const errors: unknown[] = [];
    const options = { clock, onError: (error: unknown) => errors.push(error) };
    await expect(new PersistentListener({ host, port }, handler, options).start(true)).rejects.toMatchObject({
      code: "LISTEN",
    });
    const second = new PersistentListener({ host, port }, handler, options);
    open.push(second);
    await second.start();
    expect(second.port).toBeUndefined();
    expect(errors).toHaveLength(1);
    clock.advance(5000);
    await eventually("another attempt", () => errors.length === 2);
    await first.close();
    clock.advance(5000);
    await eventually("it listens", () => second.port === port);
    expect((await fetch(`http://${host}:${port}/a`)).status).toBe(200);
  });
});
