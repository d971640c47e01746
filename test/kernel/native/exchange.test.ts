import { describe, expect, test } from "vitest";
import { native } from "../../../src/kernel/native.ts";
import { run, useNamespace } from "../../fixtures/namespace.ts";
import {
  addAlternativeNames,
  addBridge,
  deleteLink,
  dumpLinks,
  echo,
  errnoOf,
  getLink,
  message,
  messagesOf,
  NLMSG_DONE,
  NLMSG_ERROR,
  rejection,
  RTM_NEWLINK,
  sequencesOf,
  silence,
  typesOf,
  withSocket,
} from "./wire.ts";

const namespace = useNamespace({ loopback: false });

describe("openNetlink", () => {
  test("opens where the namespace is, with a port id of the kernel's", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      expect(socket.portId).toBeGreaterThan(0);
      expect(socket.pending).toBe(0);
      const replies = messagesOf(await socket.exchange(dumpLinks(1), 1, 5000));
      expect(replies.map(({ port }) => port)).toEqual(replies.map(() => socket.portId));
    });
  });

  test("opens by path and by pid as well", async () => {
    const path = `/proc/self/fd/${namespace().fd}`;
    for (const ref of [path, { pid: process.pid }]) {
      await withSocket({ namespace: ref }, async (socket) => {
        expect(typesOf(await socket.exchange(dumpLinks(1), 1, 5000))).toContain(RTM_NEWLINK);
      });
    }
  });

  test("says which protocol there is not", async () => {
    expect(await rejection(withSocket({ protocol: 31 }, async () => undefined))).toMatchObject({
      code: "EPROTONOSUPPORT",
      syscall: "socket",
      subject: "netlink protocol 31",
    });
  });

  test("lets the kernel check strictly where it is asked to", async () => {
    // An index in the header of a dump is ignored by old habit, and refused by strict checking.
    const malformed = message(18, 0x300, 1, Buffer.from("00000000ffffffff000000000000000f", "hex"));
    await withSocket({ namespace: namespace(), strictChecking: false }, async (socket) => {
      expect(typesOf(await socket.exchange(malformed, 1, 5000))).toEqual([RTM_NEWLINK, NLMSG_DONE]);
    });
    await withSocket({ namespace: namespace(), strictChecking: true }, async (socket) => {
      expect(typesOf(await socket.exchange(malformed, 1, 5000))).not.toContain(RTM_NEWLINK);
    });
  });
});

describe("exchange", () => {
  test("returns a dump to its end", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      const datagrams = await socket.exchange(dumpLinks(7), 1, 5000);
      expect(typesOf(datagrams)).toEqual([RTM_NEWLINK, NLMSG_DONE]);
      expect(sequencesOf(datagrams)).toEqual([7, 7]);
    });
  });

  test("changes the namespace it was opened in, and no other", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      const [acknowledged] = messagesOf(await socket.exchange(addBridge(1, "br-test"), 1, 5000));
      expect(errnoOf(acknowledged!)).toBe(0);
      expect(await run(namespace(), ["ip", "-br", "link"])).toContain("br-test");
      expect(await run(null, ["ip", "-br", "link"])).not.toContain("br-test");
    });
  });

  test("passes the kernel's errors through, with their extended acknowledgement", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      const batch = Buffer.concat([addBridge(1, "lo"), deleteLink(2, "none"), echo(3)]);
      const replies = messagesOf(await socket.exchange(batch, 3, 5000));
      expect(replies.map((reply) => [reply.sequence, reply.type, errnoOf(reply)])).toEqual([
        [1, NLMSG_ERROR, 17],
        [2, NLMSG_ERROR, 19],
        [3, NLMSG_ERROR, 0],
      ]);
      const [refused] = messagesOf(await socket.exchange(message(RTM_NEWLINK, 0x604, 4, Buffer.alloc(3)), 1, 5000));
      expect(errnoOf(refused!)).toBe(22);
    });
  });

  test("returns what there is when nothing is to be waited for", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      expect(sequencesOf(await socket.exchange(echo(1), 0, 5000))).toEqual([1]);
      expect(await socket.exchange(silence(2), 0, 5000)).toEqual([]);
    });
  });

  test("collects more answers than it was told of", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      const batch = Buffer.concat([echo(1), echo(2), echo(3)]);
      expect(sequencesOf(await socket.exchange(batch, 1, 5000))).toEqual([1, 2, 3]);
    });
  });

  test("answers many at once, each with its own", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      const numbers = Array.from({ length: 1000 }, (_, i) => i + 1);
      const answers = await Promise.all(numbers.map((n) => socket.exchange(dumpLinks(n), 1, 5000)));
      expect(answers.map((answer) => sequencesOf(answer))).toEqual(numbers.map((n) => [n, n]));
      expect(socket.pending).toBe(0);
    });
  });

  test("takes answers from the kernel only", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      const waiting = rejection(socket.exchange(silence(1), 1, 1500));
      // An acknowledgement, as far as its bytes say, of another process's.
      const forged = Buffer.alloc(36);
      forged.writeUInt32LE(36, 0);
      forged.writeUInt16LE(NLMSG_ERROR, 4);
      await run(namespace(), [
        "python3",
        "-c",
        `import socket; s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); s.sendto(bytes.fromhex("${forged.toString("hex")}"), (${socket.portId}, 0))`,
      ]);
      expect((await waiting).code).toBe("ETIMEDOUT");
      expect(sequencesOf(await socket.exchange(echo(2), 1, 5000))).toEqual([2]);
    });
  });

  test("receives a single message that is larger than a dump's part whole", async () => {
    const names = Array.from({ length: 400 }, (_, i) => `${i}-`.padEnd(127, "x"));
    await withSocket({ namespace: namespace() }, async (socket) => {
      const [added] = messagesOf(await socket.exchange(addAlternativeNames(1, 1, names), 1, 5000));
      expect(errnoOf(added!)).toBe(0);
      const datagrams = await socket.exchange(getLink(2, 1), 1, 5000);
      expect(datagrams[0]!.length).toBeGreaterThan(50_000);
      expect(datagrams[0]!.readUInt32LE(0)).toBe(datagrams[0]!.length);
      for (const name of [names[0], names[399]]) expect(datagrams[0]!.includes(name!)).toBe(true);
    });
  });
});

describe("a batch", () => {
  test("of 40 MB goes out in one piece", async () => {
    const one = silence(0);
    const batch = Buffer.alloc(40 << 20, one);
    echo(9).copy(batch, batch.length - 16);
    await withSocket({ namespace: namespace(), maxBatchBytes: 64 << 20 }, async (socket) => {
      expect(sequencesOf(await socket.exchange(batch, 1, 30_000))).toEqual([9]);
    });
  });

  test("of just the bound is none too large", async () => {
    await withSocket({ namespace: namespace(), maxBatchBytes: 32 }, async (socket) => {
      expect(sequencesOf(await socket.exchange(Buffer.concat([echo(1), echo(2)]), 2, 5000))).toEqual([1, 2]);
      expect(await rejection(socket.exchange(Buffer.alloc(36, echo(1)), 2, 5000))).toMatchObject({
        code: "EMSGSIZE",
        syscall: "sendmsg",
        subject: "netlink protocol 0",
      });
    });
  });

  test("may be any Uint8Array, also a part of one", async () => {
    await withSocket({ namespace: namespace() }, async (socket) => {
      const bytes = new Uint8Array(35);
      bytes.set(echo(5), 3);
      expect(sequencesOf(await socket.exchange(bytes.subarray(3, 19), 1, 5000))).toEqual([5]);
    });
  });
});

describe("handles", () => {
  test("of sockets are counted, and close once", async () => {
    const before = native().openHandles().sockets;
    await withSocket({}, async (socket) => {
      expect(native().openHandles().sockets).toBe(before + 1);
      socket.close();
      socket.close();
      expect(native().openHandles().sockets).toBe(before);
      expect(await rejection(socket.exchange(echo(1), 1, 1000))).toMatchObject({
        code: "ECANCELED",
        syscall: "exchange",
      });
    });
  });
});
