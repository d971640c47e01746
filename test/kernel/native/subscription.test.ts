import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  native,
  type NativeError,
  type NativeNetlinkSubscription,
  type NetlinkSubscriptionOptions,
} from "../../../src/kernel/native.ts";
import { useNamespace } from "../../fixtures/namespace.ts";
import {
  addAlternativeNames,
  addBridge,
  deleteLink,
  NETLINK_ROUTE,
  rejection,
  RTM_DELLINK,
  RTM_NEWLINK,
  RTNLGRP_LINK,
  typesOf,
  useSocket,
  withSocket,
} from "./wire.ts";

const namespace = useNamespace();

interface Turn {
  readonly error: NativeError | null;
  readonly datagrams: Buffer[];
}

async function withSubscription(
  options: Partial<NetlinkSubscriptionOptions>,
  body: (turns: Turn[], subscription: NativeNetlinkSubscription) => Promise<void>,
): Promise<void> {
  const turns: Turn[] = [];
  const subscription = await native().subscribeNetlink(
    {
      protocol: NETLINK_ROUTE,
      namespace: namespace(),
      groups: [RTNLGRP_LINK],
      receiveBufferBytes: 1 << 20,
      maxBytesPerTurn: 1 << 20,
      ...options,
    },
    (error, datagrams) => turns.push({ error, datagrams }),
  );
  try {
    await body(turns, subscription);
  } finally {
    subscription.close();
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !condition(); i++) await sleep(10);
  expect(condition()).toBe(true);
}

/** Adds and removes a link so many times. */
async function changeLinks(times: number): Promise<void> {
  await withSocket({ namespace: namespace() }, async (socket) => {
    for (let i = 0; i < times; i++) {
      await socket.exchange(addBridge(1, "br-test"), 1, 5000);
      await socket.exchange(deleteLink(2, "br-test"), 1, 5000);
    }
  });
}

const typesIn = (turns: readonly Turn[]): number[] => turns.flatMap(({ datagrams }) => typesOf(datagrams));

describe("events", () => {
  test("of the group come as they happen", async () => {
    await withSubscription({}, async (turns) => {
      await changeLinks(1);
      await until(() => typesIn(turns).includes(RTM_DELLINK));
      expect(typesIn(turns)[0]).toBe(RTM_NEWLINK);
      expect(turns.map(({ error }) => error)).toEqual(turns.map(() => null));
    });
  });

  test("of other namespaces do not", async () => {
    await withSubscription({ namespace: null }, async (turns) => {
      await changeLinks(1);
      await sleep(50);
      expect(turns.filter(({ datagrams }) => datagrams.some((bytes) => bytes.includes("br-test")))).toEqual([]);
    });
  });

  test("come in turns no larger than the bound", async () => {
    const bound = 4096;
    await withSubscription({ maxBytesPerTurn: bound }, async (turns) => {
      await changeLinks(20);
      await until(() => typesIn(turns).filter((type) => type === RTM_DELLINK).length >= 20);
      for (const { datagrams } of turns) {
        const bytes = datagrams.reduce((sum, datagram) => sum + datagram.length, 0);
        expect(bytes <= bound || datagrams.length === 1).toBe(true);
      }
    });
  });

  test("larger than the bound come one by one", async () => {
    await withSubscription({ maxBytesPerTurn: 1 }, async (turns) => {
      await changeLinks(3);
      await until(() => typesIn(turns).filter((type) => type === RTM_DELLINK).length >= 3);
      for (const { datagrams } of turns) expect(datagrams).toHaveLength(1);
    });
  });
});

describe("an overrun", () => {
  test("is told, and later events come again", async () => {
    await withSubscription({ receiveBufferBytes: 2048 }, async (turns) => {
      for (let round = 1; round <= 20; round++) {
        await overrun(round);
        await until(() => turns.some(({ error }) => error !== null));
        expect(turns.filter(({ error }) => error !== null)[0]).toMatchObject({
          error: { code: "ENOBUFS", syscall: "recvmsg" },
          datagrams: [],
        });
        await sleep(10);
        turns.length = 0;
        await nameLoopback([`after-${round}`]);
        await until(() => typesIn(turns).includes(RTM_NEWLINK));
        turns.length = 0;
      }
    });
  });

  /** The kernel handles the batch while our event loop, which would read, has no turn. */
  async function overrun(round: number): Promise<void> {
    const done = nameLoopback(Array.from({ length: 20 }, (_, i) => `lost-${round}-${i}`));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    await done;
  }

  /** Each name is an event, as loopback is up. The socket is there before, so that the batch goes out at once. */
  const nameLoopback = async (names: readonly string[]): Promise<void> => {
    const batch = Buffer.concat(names.map((name, i) => addAlternativeNames(i + 1, 1, [name])));
    await socket().exchange(batch, names.length, 10_000);
  };

  const socket = useSocket(namespace);
});

describe("closing", () => {
  test("stops the events, and is harmless when repeated", async () => {
    const before = native().openHandles().subscriptions;
    await withSubscription({}, async (turns, subscription) => {
      expect(native().openHandles().subscriptions).toBe(before + 1);
      subscription.close();
      subscription.close();
      expect(native().openHandles().subscriptions).toBe(before);
      await changeLinks(1);
      await sleep(30);
      expect(turns).toEqual([]);
    });
  });

  test("is allowed in the callback", async () => {
    let calls = 0;
    const subscription = await native().subscribeNetlink(
      { protocol: 0, namespace: namespace(), groups: [1], receiveBufferBytes: 1 << 20, maxBytesPerTurn: 1 },
      () => {
        calls += 1;
        subscription.close();
      },
    );
    await changeLinks(2);
    await until(() => calls > 0);
    await sleep(30);
    expect(calls).toBe(1);
  });
});

test("a group that there is not is refused", async () => {
  const subscribe = withSubscription({ groups: [RTNLGRP_LINK, 100_000] }, async () => undefined);
  expect(await rejection(subscribe)).toMatchObject({ code: "EINVAL", syscall: "setsockopt", subject: "group 100000" });
});
