/** What the relay does with connections: whose they become, how they end, and what a slow one costs. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type net from "node:net";
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { eventually } from "../../fixtures/eventually.ts";
import { ask, deadPort, endpoints, frontend, Rig, say, silentPort } from "./relay_rig.ts";

/** All that the other side says until it ends; our side stays as it is. */
async function heard(socket: net.Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  await once(socket, "end");
  return Buffer.concat(parts);
}

/** Resolves when the connection is over. @returns the error's code; "" where it has ended in peace */
function fate(socket: net.Socket): Promise<string> {
  return new Promise((resolve) => {
    let code = "";
    socket.on("error", (error: NodeJS.ErrnoException) => (code = error.code ?? "?"));
    socket.on("close", () => resolve(code));
  });
}

const countOf = (rig: Rig) => rig.counts();

describe("bytes", () => {
  test("go there and back, and are counted", async () => {
    await Rig.with({}, async (rig) => {
      const port = await rig.serve([await rig.named("a")]);
      const socket = await rig.client(port);
      expect(await say(socket, "one")).toBe("a:one");
      expect(await say(socket, "three")).toBe("a:three");
      socket.destroy();
      expect(await countOf(rig)).toMatchObject({
        connections: 1n,
        refused: 0n,
        retries: 0n,
        bytesIn: 8n,
        bytesOut: 12n,
      });
    });
  });

  test("stay what they are, many of them, both ways at the same time", async () => {
    await Rig.with({}, async (rig) => {
      const port = await rig.serve([await rig.server((socket) => socket.pipe(socket))]);
      const sent = Array.from({ length: 48 }, (_, i) => randomBytes(i % 3 === 0 ? 700 : 262_144 + i));
      await Promise.all(
        [1, 2, 3].map(async () => {
          const socket = await rig.client(port);
          const answer = heard(socket);
          for (const part of sent) if (!socket.write(part)) await once(socket, "drain");
          socket.end();
          const hash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
          expect(hash(await answer)).toBe(hash(Buffer.concat(sent)));
        }),
      );
    });
  });

  test("come from a server that speaks first", async () => {
    await Rig.with({}, async (rig) => {
      const port = await rig.serve([await rig.server((socket) => socket.write("welcome"))]);
      const [data] = (await once(await rig.client(port), "data")) as [Buffer];
      expect(data.toString()).toBe("welcome");
    });
  });

  test("come from a server that says all it has to say at once", async () => {
    await Rig.with({}, async (rig) => {
      const port = await rig.serve([await rig.server((socket) => socket.end("welcome"))]);
      for (let round = 0; round < 10; round++) {
        const sockets = await Promise.all(Array.from({ length: 20 }, () => rig.client(port)));
        const answers = await Promise.all(sockets.map((socket) => heard(socket)));
        for (const socket of sockets) socket.end();
        expect(new Set(answers.map(String))).toEqual(new Set(["welcome"]));
      }
    });
  });

  test("are not read before they can be written", async () => {
    await Rig.with({}, async (rig) => {
      let written = 0;
      const chunk = Buffer.alloc(1 << 20, "x");
      const most = 256 << 20;
      const port = await rig.serve([
        await rig.server((socket) => {
          const more = (): void => {
            while (written < most) {
              written += chunk.length;
              if (!socket.write(chunk)) return;
            }
            socket.end();
          };
          socket.on("drain", more);
          more();
        }),
      ]);
      const socket = await rig.client(port);
      socket.pause();
      let before = -1;
      await eventually("a writer that is held up", async () => {
        const stands = written === before;
        before = written;
        await sleep(200);
        return stands;
      });
      // Buffers of four sockets and of a pipe, of which the kernel decides.
      expect(written).toBeLessThan(most / 2);
      let got = 0;
      for await (const part of socket) got += (part as Buffer).length;
      expect(got).toBe(most);
    });
  });
});

describe("ends", () => {
  test("of the client's side leave the server's open", async () => {
    await Rig.with({}, async (rig) => {
      const port = await rig.serve([
        await rig.server((socket) => void heard(socket).then((all) => socket.end(`heard ${all.toString()}`))),
      ]);
      const socket = await rig.client(port);
      socket.end("all of it");
      expect((await heard(socket)).toString()).toBe("heard all of it");
      await eventually("the end", async () => (await rig.relay.counts()).connections === 0);
    });
  });

  test("of the server's side leave the client's open", async () => {
    await Rig.with({}, async (rig) => {
      const late: Promise<Buffer>[] = [];
      const port = await rig.serve([
        await rig.server((socket) => {
          socket.end("bye");
          late.push(heard(socket));
        }),
      ]);
      const socket = await rig.client(port);
      expect((await heard(socket)).toString()).toBe("bye");
      socket.end("and one more thing");
      expect((await late[0]!).toString()).toBe("and one more thing");
      await eventually("the end", async () => (await rig.relay.counts()).connections === 0);
    });
  });

  test("by a reset reach the other side as a reset", async () => {
    await Rig.with({}, async (rig) => {
      const sockets: net.Socket[] = [];
      const port = await rig.serve([
        await rig.server((socket) => {
          sockets.push(socket);
          socket.on("data", (data) => socket.write(data));
        }),
      ]);
      const one = await rig.client(port);
      expect(await say(one, "a")).toBe("a");
      const two = await rig.client(port);
      expect(await say(two, "b")).toBe("b");
      const [ofOne, ofServer] = [fate(one), fate(sockets[1]!)];
      sockets[0]!.resetAndDestroy();
      two.resetAndDestroy();
      expect([await ofOne, await ofServer]).toEqual(["ECONNRESET", "ECONNRESET"]);
    });
  });

  test("come to what is idle, sooner to what is half closed", async () => {
    await Rig.with({ idleMs: 1500, halfClosedMs: 200 }, async (rig) => {
      const port = await rig.serve([await rig.server((socket) => socket.resume())]);
      const [idle, half, busy] = [await rig.client(port), await rig.client(port), await rig.client(port)];
      const ends: string[] = [];
      idle.on("close", () => ends.push("idle")).resume();
      half.on("close", () => ends.push("half closed")).resume();
      half.end();
      await eventually("both ends", () => {
        busy.write("x");
        return ends.length === 2;
      });
      expect(ends).toEqual(["half closed", "idle"]);
      expect(busy.destroyed).toBe(false);
    });
  });
});

describe("endpoints", () => {
  test("take turns, from any of them on", async () => {
    await Rig.with({ workers: 1 }, async (rig) => {
      const names = ["a", "b", "c"];
      const port = await rig.serve(await Promise.all(names.map((name) => rig.named(name))));
      const answers: string[] = [];
      for (let i = 0; i < 9; i++) answers.push(await ask(rig, port));
      for (const name of names) expect(answers.filter((answer) => answer === `${name}:hello`)).toHaveLength(3);
      expect(answers.slice(0, 3)).toEqual(answers.slice(3, 6));
    });
  });

  test("that refuse are passed over", async () => {
    await Rig.with({ workers: 1 }, async (rig) => {
      const port = await rig.serve([await deadPort(), await deadPort(), await rig.named("a")]);
      for (let i = 0; i < 3; i++) expect(await ask(rig, port)).toBe("a:hello");
      // Each of the three is the first of a connection once.
      expect(await countOf(rig)).toMatchObject({ connections: 3n, refused: 0n, retries: 3n });
    });
  });

  test("that say nothing are passed over in time", async () => {
    await Rig.with({ workers: 1, connectTimeoutsMs: [100, 5000] }, async (rig) => {
      const port = await rig.serve([await silentPort(rig), await rig.named("a")]);
      expect([await ask(rig, port), await ask(rig, port)]).toEqual(["a:hello", "a:hello"]);
      expect(await countOf(rig)).toMatchObject({ connections: 2n, refused: 0n, retries: 1n });
    });
  });

  test("none of which answers: the client sees a reset, and it is counted", async () => {
    await Rig.with({}, async (rig) => {
      const port = await rig.serve([await deadPort(), await deadPort()]);
      // The reset may come before connect() has returned.
      expect(await ask(rig, port)).toBe("ECONNRESET");
      expect(await countOf(rig)).toMatchObject({ connections: 1n, refused: 1n, retries: 1n });
      await rig.serve([]);
      expect(await ask(rig, port)).toBe("ECONNRESET");
      expect(await countOf(rig)).toMatchObject({ connections: 2n, refused: 2n, retries: 1n });
    });
  });

  test("are a client's own for as long as affinity lasts, and while they are there", async () => {
    await Rig.with({}, async (rig) => {
      const [a, b, c] = [await rig.named("a"), await rig.named("b"), await rig.named("c")];
      const port = await rig.serve([a, b, c], { affinityMs: 60_000 });
      const first = await ask(rig, port);
      for (let i = 0; i < 8; i++) expect(await ask(rig, port)).toBe(first);
      const others = { a: [b, c], b: [a, c], c: [a, b] }[first[0]!]!;
      await rig.serve(others, { affinityMs: 60_000 });
      const second = await ask(rig, port);
      expect(second).not.toBe(first);
      // The first one is back: that is not where the client was last.
      await rig.serve([a, b, c], { affinityMs: 60_000 });
      for (let i = 0; i < 8; i++) expect(await ask(rig, port)).toBe(second);
      await rig.serve([a, b, c], { affinityMs: 1 });
      const seen = new Set<string>();
      await eventually("other endpoints", async () => {
        await sleep(3);
        return seen.add(await ask(rig, port)).size === 3;
      });
    });
  });

  test("change under connections, which stay where they are", async () => {
    await Rig.with({}, async (rig) => {
      const [a, b] = [await rig.named("a"), await rig.named("b")];
      const port = await rig.serve([a]);
      const old = await rig.client(port);
      expect(await say(old, "one")).toBe("a:one");
      expect(await rig.serve([b])).toBe(port);
      expect(await ask(rig, port)).toBe("b:hello");
      expect(await say(old, "two")).toBe("a:two");
      await rig.relay.update({ set: [], gone: [Buffer.from("web")] });
      expect(await say(old, "three")).toBe("a:three");
      await eventually("a closed listener", async () => (await ask(rig, port)) === "ECONNREFUSED");
    });
  });
});

describe("bounds", () => {
  test("a connection too many is closed and counted, and there is room when another ends", async () => {
    await Rig.with({ maxConnections: 2 }, async (rig) => {
      const port = await rig.serve([await rig.named("a")]);
      const [one, two] = [await rig.client(port), await rig.client(port)];
      expect([await say(one, "1"), await say(two, "2")]).toEqual(["a:1", "a:2"]);
      expect(await ask(rig, port)).toBe("ECONNRESET");
      expect((await rig.relay.counts()).overflows).toBe(1n);
      one.resetAndDestroy();
      await eventually("room", async () => (await ask(rig, port)) === "a:hello");
      expect(await say(two, "3")).toBe("a:3");
    });
  });

  test("a shared listener takes nobody whose destination is no frontend", async () => {
    const listeners = [{ scope: 0, address: Buffer.from([127, 0, 0, 1]), port: 0 }];
    await Rig.with({ listeners }, async (rig) => {
      await rig.relay.update({ set: [frontend("web", [await rig.named("a")], { listen: null })], gone: [] });
      expect(await ask(rig, rig.relay.ports[0]!)).toBe("ECONNRESET");
      expect((await rig.relay.counts()).strangers).toBe(1n);
    });
  });

  test("closing resets what is open and leaves no descriptor", async () => {
    const open = (): number => readdirSync("/proc/self/fd").length;
    await Rig.with({}, async (rig) => {
      const server = await rig.server((socket) => socket.pipe(socket));
      const before = open();
      await Rig.with({}, async (other) => {
        const port = await other.serve([server]);
        const sockets = await Promise.all(Array.from({ length: 20 }, () => other.client(port)));
        await Promise.all(sockets.map((socket) => say(socket, "hello")));
        const fates = sockets.map(fate);
        expect((await other.relay.counts()).connections).toBe(20);
        await other.relay.close();
        expect(new Set(await Promise.all(fates))).toEqual(new Set(["ECONNRESET"]));
        await expect(other.relay.counts()).rejects.toMatchObject({ code: "EBADF" });
      });
      await eventually("as few descriptors as before", () => open() <= before);
    });
  });

  test("arguments are named where they are wrong", async () => {
    await Rig.with({}, async (rig) => {
      const wrong = (more: object) => () => rig.relay.update({ set: [frontend("web", [1], more)], gone: [] });
      expect(wrong({ endpoints: endpoints([1]).subarray(1) })).toThrow("set[0].endpoints");
      expect(wrong({ protocol: "SCTP" })).toThrow("set[0].protocol");
      expect(wrong({ protocol: "UDP", listen: null })).toThrow("set[0].listen");
      await expect(wrong({ listen: { address: Buffer.from([192, 0, 2, 1]), port: 1 } })()).rejects.toMatchObject({
        code: "EADDRNOTAVAIL",
        syscall: "bind",
      });
    });
  });
});
