/** One socket's queue: its order, its bound, and what happens to those who wait. */
import { describe, expect, test } from "vitest";
import { useNamespace } from "../../fixtures/namespace.ts";
import type { NativeError, NativeNetlinkSocket } from "../../../src/kernel/native.ts";
import { dumpLinks, echo, rejection, sequencesOf, silence, withSocket } from "./wire.ts";

const namespace = useNamespace({ loopback: false });

/** A request that nobody answers: it holds the queue up for as long as it may. */
const holdUp = (socket: NativeNetlinkSocket, timeoutMs: number): Promise<Buffer[]> =>
  socket.exchange(silence(1), 1, timeoutMs);

const codesOf = async (promises: readonly Promise<unknown>[]): Promise<string[]> =>
  Promise.all(
    promises.map((promise) =>
      promise.then(
        () => "fine",
        (error: unknown) => (error as NativeError).code,
      ),
    ),
  );

describe("order", () => {
  test("requests are answered in the order they were made", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      const order: number[] = [];
      const numbers = Array.from({ length: 300 }, (_, i) => i + 1);
      // Every seventh is too large to share a run with its neighbours.
      const batch = (n: number): Buffer => Buffer.concat([...Array(n % 7 === 0 ? 5000 : 1).fill(silence(0)), echo(n)]);
      await Promise.all(numbers.map((n) => socket.exchange(batch(n), 1, 5000).then(() => order.push(n))));
      expect(order).toEqual(numbers);
    });
  });

  test("one that waits does not keep back the answer of one before it", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      const started = performance.now();
      const first = socket.exchange(echo(1), 1, 5000);
      const second = socket.exchange(echo(2), 1, 5000);
      const third = rejection(holdUp(socket, 1000));
      const fourth = socket.exchange(echo(4), 1, 5000);
      await Promise.all([first, second]);
      expect(performance.now() - started).toBeLessThan(900);
      expect((await third).code).toBe("ETIMEDOUT");
      expect(sequencesOf(await fourth)).toEqual([4]);
    });
  });

  test("sockets that wait leave the pool to others: each holds one thread at most", async () => {
    await withSocket({ namespace: namespace() }, async (waiting) => {
      // Their outcomes are awaited from the start: on a busy machine some come before the rest of the test.
      const held = codesOf(Array.from({ length: 20 }, () => holdUp(waiting, 50)));
      await withSocket({ namespace: namespace() }, async (socket) => {
        await socket.exchange(echo(1), 1, 5000);
        expect(waiting.pending).toBeGreaterThan(0);
      });
      expect(new Set(await held)).toEqual(new Set(["ETIMEDOUT"]));
    });
  });
});

describe("bound", () => {
  test("one request more than maxQueued is refused, and the others are not", async () => {
    await withSocket({ namespace: namespace(), maxQueued: 3 }, async (socket) => {
      const held = rejection(holdUp(socket, 100));
      const waiting = [socket.exchange(echo(2), 1, 5000), socket.exchange(echo(3), 1, 5000)];
      expect(socket.pending).toBe(3);
      expect(await rejection(socket.exchange(echo(4), 1, 5000))).toMatchObject({
        code: "EBUSY",
        syscall: "exchange",
        subject: "netlink protocol 0",
      });
      expect((await held).code).toBe("ETIMEDOUT");
      expect(await codesOf(waiting)).toEqual(["fine", "fine"]);
      expect(sequencesOf(await socket.exchange(echo(5), 1, 5000))).toEqual([5]);
    });
  });
});

describe("time", () => {
  test("a request that nobody answers ends when its time is over", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      const started = performance.now();
      expect(await rejection(holdUp(socket, 80))).toMatchObject({ code: "ETIMEDOUT", syscall: "recvmsg", errno: 110 });
      const took = performance.now() - started;
      expect(took).toBeGreaterThan(75);
      expect(took).toBeLessThan(3000);
    });
  });

  test("answers that come late are not taken for those of the next request", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      for (let n = 1; n <= 100; n += 2) {
        // No time at all: the dump's first part is read, its end is left in the socket.
        expect(await rejection(socket.exchange(dumpLinks(n), 1, 0))).toMatchObject({ code: "ETIMEDOUT" });
        expect(sequencesOf(await socket.exchange(echo(n + 1), 1, 5000))).toEqual([n + 1]);
      }
    });
  });

  test("a whole answer needs no time", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      expect(sequencesOf(await socket.exchange(echo(1), 1, 0))).toEqual([1]);
    });
  });
});

describe("closing", () => {
  test("cancels those who wait, and lets the one that was sent end", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      const held = holdUp(socket, 150);
      const waiting = Array.from({ length: 10 }, (_, i) => socket.exchange(echo(i + 2), 1, 5000));
      socket.close();
      expect(new Set(await codesOf(waiting))).toEqual(new Set(["ECANCELED"]));
      expect(await codesOf([held])).toEqual([expect.stringMatching(/^(ETIMEDOUT|ECANCELED)$/)]);
      expect(socket.pending).toBe(0);
    });
  });

  test("in the midst of a run leaves nobody without an answer", async () => {
    for (let round = 0; round < 50; round++) {
      await withSocket({ namespace: namespace() }, async (socket) => {
        const requests = Array.from({ length: 200 }, (_, i) => socket.exchange(echo(i + 1), 1, 5000));
        await requests[round % 3];
        socket.close();
        for (const code of await codesOf(requests)) expect(["fine", "ECANCELED"]).toContain(code);
      });
    }
  });
});
