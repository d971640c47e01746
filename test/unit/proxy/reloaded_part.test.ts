import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ReloadedPart, Servers, type ReplaceablePart, type Server } from "../../../src/cmd/part.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

/** More than how often it is looked whether a server is idle, in ms. */
const aWhileMs = 5000;

class FakeServer implements Server {
  closed = 0;
  retire?: () => Promise<void>;
  isIdle: () => Promise<boolean>;
  readonly #close: () => Promise<void>;

  constructor(isIdle: () => Promise<boolean>, close = () => Promise.resolve()) {
    this.isIdle = isIdle;
    this.#close = close;
  }

  close(): Promise<void> {
    this.closed++;
    return this.#close();
  }
}

async function partOf(server: FakeServer, clock: FakeClock): Promise<ReplaceablePart> {
  const servers = new Servers(clock);
  await servers.own(server);
  return {
    ready: Promise.resolve(),
    stop: () => servers.close(),
    handOver: () => Promise.resolve(() => servers.drain()),
  };
}

const idle = () => new FakeServer(() => Promise.resolve(true));
const failing = () => Promise.reject(new Error("nobody answers"));

describe("a part that another follows", () => {
  it("closes its server when the last connection has ended, and is then forgotten", async () => {
    const clock = new FakeClock();
    let connections = 1;
    const server = new FakeServer(() => Promise.resolve(connections === 0));
    const part = new ReloadedPart(await partOf(server, clock));
    const next = await partOf(idle(), clock);
    await part.replace(() => next);
    clock.advance(aWhileMs);
    await setImmediate();
    expect(server.closed).toBe(0);
    connections = 0;
    clock.advance(aWhileMs);
    await setImmediate();
    expect(server.closed).toBe(1);
    await part.stop();
    expect(server.closed).toBe(1);
  });

  it("takes nobody any more once the next one is ready, while its last connection goes on", async () => {
    const clock = new FakeClock();
    let retired = 0;
    const server = new FakeServer(() => Promise.resolve(false));
    server.retire = () => Promise.resolve(void retired++);
    const part = new ReloadedPart(await partOf(server, clock));
    let begin = (): void => undefined;
    const ready = new Promise<void>((resolve) => (begin = resolve));
    const next = { ...(await partOf(idle(), clock)), ready };
    const replaced = part.replace(() => next);
    await setImmediate();
    expect(retired).toBe(0);
    begin();
    await replaced;
    clock.advance(aWhileMs);
    await setImmediate();
    expect([retired, server.closed]).toEqual([1, 0]);
    await part.stop();
  });

  it("closes a server that cannot say whether anybody is connected", async () => {
    const clock = new FakeClock();
    const server = new FakeServer(failing);
    const part = new ReloadedPart(await partOf(server, clock));
    const next = await partOf(idle(), clock);
    await part.replace(() => next);
    await setImmediate();
    expect(server.closed).toBe(1);
    await part.stop();
  });

  it("is stopped with the one that followed where its server could not be closed", async () => {
    const clock = new FakeClock();
    const server = new FakeServer(() => Promise.resolve(true), failing);
    const part = new ReloadedPart(await partOf(server, clock));
    const next = await partOf(idle(), clock);
    await part.replace(() => next);
    await setImmediate();
    expect(server.closed).toBe(1);
    await expect(part.stop()).rejects.toThrow("nobody answers");
    expect(server.closed).toBe(2);
  });

  it("lets go where the one that follows cannot begin", async () => {
    const clock = new FakeClock();
    const server = idle();
    const part = new ReloadedPart(await partOf(server, clock));
    const next = { ...(await partOf(idle(), clock)), ready: failing() };
    await expect(part.replace(() => next)).rejects.toThrow("nobody answers");
    await setImmediate();
    expect(server.closed).toBe(1);
  });
});
