/** Datagrams that come while nobody runs: a socket keeps them, and what it cannot keep is counted. */
import { spawn, type ChildProcess } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createInterface, type Interface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "../../fixtures/eventually.ts";

/** Of each datagram: as many bytes as datagrams are to be told by. */
const size = 100;
const burst = 1000;
/** More than 4 MiB hold, at no less than the 768 bytes that the kernel counts for each. */
const tooMany = 6000;

let endpoint: Socket;
let client: Socket;
let relay: ChildProcess;
let lines: AsyncIterator<string>;
let input: Interface;
let port: number;

beforeEach(async () => {
  endpoint = await bound();
  client = await bound();
  const script = path.resolve("dist/test/fixtures/relay_process.js");
  relay = spawn(process.execPath, [script, String(endpoint.address().port)], { stdio: ["pipe", "pipe", "inherit"] });
  input = createInterface({ input: relay.stdout! });
  lines = input[Symbol.asyncIterator]();
  port = Number((await lines.next()).value);
});

afterEach(async () => {
  const ended = once(relay, "close");
  relay.kill("SIGCONT");
  relay.stdin!.end();
  await ended;
  input.close();
  for (const socket of [endpoint, client]) socket.close();
});

async function bound(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

async function counts() {
  relay.stdin!.write("counts\n");
  const [, bytesIn, bytesOut, dropped] = String((await lines.next()).value).split(" ");
  return { taken: Number(bytesIn) / size, given: Number(bytesOut) / size, dropped: Number(dropped) };
}

/** Sends so many while the relay stands still. */
async function sendMeanwhile(socket: Socket, to: number, count: number): Promise<void> {
  relay.kill("SIGSTOP");
  await eventually("a relay that stands still", async () => (await stateOf(relay.pid!)) === "T");
  const datagram = Buffer.alloc(size, "x");
  for (let sent = 0; sent < count; sent++) {
    await new Promise<void>((resolve, reject) =>
      socket.send(datagram, to, "127.0.0.1", (error) => (error ? reject(error) : resolve())),
    );
  }
  relay.kill("SIGCONT");
}

async function stateOf(pid: number): Promise<string> {
  return /^State:\s+(\w)/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
}

/** @returns where the endpoint sees the client's flow come from */
async function openFlow(): Promise<number> {
  const heard = once(endpoint, "message") as Promise<[Buffer, { readonly port: number }]>;
  client.send(Buffer.alloc(size, "x"), port, "127.0.0.1");
  return (await heard)[1].port;
}

test(`${burst} datagrams of clients come whole`, async () => {
  await sendMeanwhile(client, port, burst);
  await eventually("all of them", async () => (await counts()).taken === burst);
  expect((await counts()).dropped).toBe(0);
});

test(`${burst} answers of an endpoint come whole`, async () => {
  const flow = await openFlow();
  await sendMeanwhile(endpoint, flow, burst);
  await eventually("all of them", async () => (await counts()).given === burst);
  expect((await counts()).dropped).toBe(0);
});

test(`each of ${tooMany} is either taken or counted as dropped, of clients and of an endpoint`, async () => {
  const flow = await openFlow();
  await eventually("the first one", async () => (await counts()).taken === 1);
  await sendMeanwhile(client, port, tooMany);
  await eventually("all of them", async () => {
    const { taken, dropped } = await counts();
    return taken + dropped === tooMany + 1;
  });
  const { dropped } = await counts();
  expect(dropped).toBeGreaterThan(tooMany / 16);
  expect(dropped).toBeLessThan(tooMany / 2);
  await sendMeanwhile(endpoint, flow, tooMany);
  await eventually("all of them", async () => {
    const now = await counts();
    return now.given + now.dropped - dropped === tooMany;
  });
  expect((await counts()).dropped).toBeGreaterThan(dropped);
});
