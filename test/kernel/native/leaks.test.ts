/** Ten thousand times open and close: what is left is what was there. */
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { native } from "../../../src/kernel/native.ts";
import { useNamespace } from "../../fixtures/namespace.ts";
import { echo, NETLINK_ROUTE, rejection, withSocket } from "./wire.ts";

const namespace = useNamespace({ loopback: false });
const cycles = 10_000;
// Making a namespace costs the kernel much more than opening one.
const costlyCycles = process.env["FAIRLEAD_LONG"] ? 10_000 : 300;

const count = (what: "fd" | "task"): number => readdirSync(`/proc/self/${what}`).length;

/** Does `body` often, a few at a time, and compares descriptors, threads and handles before and after. */
async function repeatedly(times: number, body: (turn: number) => Promise<unknown>): Promise<void> {
  await body(0);
  await sleep(20);
  const before = { fd: count("fd"), task: count("task"), handles: native().openHandles() };
  const lanes = Array.from({ length: 4 }, async (_, lane) => {
    for (let turn = lane; turn < times; turn += 4) await body(turn);
  });
  await Promise.all(lanes);
  // A subscription's close and a thread's end come a turn after the call that asks for them.
  for (let i = 0; i < 100 && (count("fd") > before.fd || count("task") > before.task); i++) await sleep(20);
  expect({ fd: count("fd"), task: count("task"), handles: native().openHandles() }).toEqual(before);
}

test(`${cycles} sockets in another namespace`, async () => {
  await repeatedly(cycles, (turn) =>
    withSocket({ namespace: namespace() }, async (socket) => {
      if (turn % 10 === 0) await socket.exchange(echo(1), 1, 5000);
    }),
  );
});

test(`${cycles} namespaces opened`, async () => {
  await repeatedly(cycles, async (turn) => {
    (await native().openNamespace(turn % 2 === 0 ? null : { pid: process.pid })).close();
  });
});

test(`${costlyCycles} namespaces made`, async () => {
  await repeatedly(costlyCycles, async () => (await native().createNamespace()).close());
});

test(`${costlyCycles} subscriptions`, async () => {
  await repeatedly(costlyCycles, async () => {
    const subscription = await native().subscribeNetlink(
      { protocol: NETLINK_ROUTE, namespace: namespace(), groups: [1], receiveBufferBytes: 4096, maxBytesPerTurn: 4096 },
      () => undefined,
    );
    subscription.close();
  });
});

test(`${costlyCycles} programs, some of which fail`, async () => {
  await repeatedly(costlyCycles, async (turn) => {
    const argv: [string, ...string[]] = turn % 3 === 0 ? ["fairlead-there-is-none"] : ["cat"];
    const run = native().runInNamespace(namespace(), {
      argv,
      stdin: Buffer.alloc(turn % 7 === 0 ? 100 : 10),
      timeoutMs: 20_000,
      maxOutputBytes: 50,
    });
    await run.catch(() => undefined);
  });
});

test("failures of every function", async () => {
  await repeatedly(500, async () => {
    const failures = [
      native().openNamespace("/etc/passwd"),
      native().createNamedNamespace("/etc/passwd/x"),
      native().readFileInNamespace("/none", "/none"),
      native().openNetlink({
        protocol: 31,
        namespace: namespace(),
        receiveBufferBytes: 1,
        maxBatchBytes: 1,
        maxQueued: 1,
        strictChecking: true,
      }),
    ];
    await Promise.all(failures.map((failure) => rejection(failure)));
  });
});
