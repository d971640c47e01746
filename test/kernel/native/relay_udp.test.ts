/** What the relay does with datagrams: each client's go to one endpoint, and answers come back. */
import { once } from "node:events";
import type { Socket as UdpSocket } from "node:dgram";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually } from "../../fixtures/eventually.ts";
import { deadPort, frontend, Rig } from "./relay_rig.ts";

const udp = { protocol: "UDP" } as const;

async function named(rig: Rig, name: string): Promise<number> {
  const socket = await rig.udp((message, from, own) =>
    own.send(`${name}:${message.toString()}`, from.port, "127.0.0.1"),
  );
  return socket.address().port;
}

/** @returns "" where nothing comes */
async function ask(socket: UdpSocket, port: number, text: string | Buffer = "hello"): Promise<string> {
  const answer = once(socket, "message") as Promise<[Buffer, { port: number }]>;
  socket.send(text, port, "127.0.0.1");
  const outcome = await Promise.race([answer, sleep(1500)]);
  if (outcome === undefined) return "";
  expect(outcome[1].port).toBe(port);
  return outcome[0].toString();
}

test("a client's datagrams go to one endpoint, other clients' to others", async () => {
  await Rig.with({ workers: 1 }, async (rig) => {
    const port = await rig.serve([await named(rig, "a"), await named(rig, "b")], udp);
    const [one, two] = [await rig.udp(), await rig.udp()];
    const first = await ask(one, port);
    expect([first, await ask(two, port)].sort()).toEqual(["a:hello", "b:hello"]);
    for (let i = 0; i < 5; i++) expect(await ask(one, port)).toBe(first);
    expect((await rig.relay.counts()).flows).toBe(2);
    expect(await rig.counts()).toMatchObject({ connections: 2n, bytesIn: 35n, bytesOut: 49n });
  });
});

test("large ones and many at a time come whole", async () => {
  await Rig.with({}, async (rig) => {
    const port = await rig.serve([await named(rig, "a")], udp);
    const client = await rig.udp();
    expect(await ask(client, port, Buffer.alloc(60_000, "x"))).toHaveLength(60_002);
    const heard = new Set<string>();
    client.on("message", (message) => heard.add(message.toString()));
    for (let i = 0; i < 100; i++) client.send(`${i}`, port, "127.0.0.1");
    await eventually("all answers", () => heard.size === 100);
  });
});

test("flows end with their endpoint and with their frontend", async () => {
  await Rig.with({}, async (rig) => {
    const [a, b] = [await named(rig, "a"), await named(rig, "b")];
    const port = await rig.serve([a], udp);
    const client = await rig.udp();
    expect(await ask(client, port)).toBe("a:hello");
    expect(await rig.serve([a, b], udp)).toBe(port);
    expect(await ask(client, port)).toBe("a:hello");
    await rig.serve([b], udp);
    await eventually("its end", async () => (await rig.relay.counts()).flows === 0);
    expect(await ask(client, port)).toBe("b:hello");
    await rig.relay.update({ set: [], gone: [Buffer.from("web")] });
    await eventually("its end", async () => (await rig.relay.counts()).flows === 0);
    expect(await ask(client, port)).toBe("");
  });
});

test("an endpoint where nobody listens is left", async () => {
  await Rig.with({ workers: 1 }, async (rig) => {
    const port = await rig.serve([await deadPort(), await named(rig, "a")], udp);
    const client = await rig.udp();
    await eventually("an answer", async () => {
      client.send("hello", port, "127.0.0.1");
      return await Promise.race([once(client, "message").then(() => true), sleep(50).then(() => false)]);
    });
  });
});

test("flows have a bound in number and in time", async () => {
  await Rig.with({ maxFlows: 2, flowIdleMs: 800 }, async (rig) => {
    const port = await rig.serve([await named(rig, "a")], udp);
    const [one, two, three] = [await rig.udp(), await rig.udp(), await rig.udp()];
    three.send("lost", port, "127.0.0.1");
    await eventually("the first", async () => (await rig.relay.counts()).flows === 1);
    await ask(one, port);
    two.send("lost", port, "127.0.0.1");
    await eventually("an overflow", async () => (await rig.relay.counts()).overflows === 1n);
    await eventually("their end", async () => (await rig.relay.counts()).flows === 0);
    expect(await ask(two, port)).toBe("a:hello");
  });
});

test("each frontend has a port of its own, however many there are", async () => {
  await Rig.with({}, async (rig) => {
    const ports: number[] = [];
    for (let part = 0; part < 10; part++) {
      const set = Array.from({ length: 100 }, (_, i) => frontend(`${part} ${i}`, [], udp));
      ports.push(...(await rig.relay.update({ set, gone: [] })));
    }
    expect(new Set(ports).size).toBe(1000);
  });
});
