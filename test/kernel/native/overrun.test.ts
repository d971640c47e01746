/** When answers do not fit the receive buffer: an error, never an abort, and the socket goes on. */
import { expect, test } from "vitest";
import { useNamespace } from "../../fixtures/namespace.ts";
import { dumpLinks, echo, rejection, sequencesOf, withSocket } from "./wire.ts";

const namespace = useNamespace({ loopback: false });

const acknowledged = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, (_, i) => echo(i + 1)));

test("1,000 acknowledgements in a small buffer are an overrun, after which the socket works", async () => {
  await withSocket({ namespace: namespace(), receiveBufferBytes: 4096 }, async (socket) => {
    for (let round = 0; round < 20; round++) {
      expect(await rejection(socket.exchange(acknowledged(1000), 1000, 5000))).toMatchObject({
        code: "ENOBUFS",
        syscall: "recvmsg",
        errno: 105,
      });
      expect(sequencesOf(await socket.exchange(echo(7), 1, 5000))).toEqual([7]);
      expect(sequencesOf(await socket.exchange(dumpLinks(8), 1, 5000))).toEqual([8, 8]);
    }
  });
});

test("an overrun is not taken for what follows it in the queue", async () => {
  await withSocket({ namespace: namespace(), receiveBufferBytes: 4096 }, async (socket) => {
    const [lost, next] = [socket.exchange(acknowledged(1000), 1000, 5000), socket.exchange(echo(5), 1, 5000)];
    expect((await rejection(lost)).code).toBe("ENOBUFS");
    expect(sequencesOf(await next)).toEqual([5]);
  });
});

test("1,000 acknowledgements fit a large buffer", async () => {
  await withSocket({ namespace: namespace(), receiveBufferBytes: 4 << 20 }, async (socket) => {
    expect(sequencesOf(await socket.exchange(acknowledged(1000), 1000, 5000))).toHaveLength(1000);
  });
});

test("1,000 dumps in flight on a buffer of 64 KiB answer or fail, one by one", async () => {
  await withSocket({ namespace: null, receiveBufferBytes: 65_536 }, async (socket) => {
    const requests = Array.from({ length: 1000 }, (_, i) => socket.exchange(dumpLinks(i + 1), 1, 5000));
    const outcomes = await Promise.allSettled(requests);
    outcomes.forEach((outcome, i) => {
      if (outcome.status === "fulfilled") expect(new Set(sequencesOf(outcome.value))).toEqual(new Set([i + 1]));
      else expect(outcome.reason).toMatchObject({ code: "ENOBUFS" });
    });
    expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
    expect(sequencesOf(await socket.exchange(echo(3), 1, 5000))).toEqual([3]);
  });
});
