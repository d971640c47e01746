/** Environments come and go: worker threads, their termination, and the end of a process. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { native } from "../../../src/kernel/native.ts";

const addon =
  process.env["FAIRLEAD_ADDON"] ?? path.resolve(import.meta.dirname, "../../../build/Release/fairlead.node");

/** Seconds that no other test sleeps: they tell our processes from others'. */
const lasting = `61.${process.pid}`;

/** Plain JavaScript: node 20 runs no TypeScript in a worker. */
const prelude = `
  const native = require(${JSON.stringify(addon)});
  const route = { protocol: 0, namespace: null, receiveBufferBytes: 1 << 20 };
  const openSocket = (namespace) =>
    native.openNetlink({ ...route, namespace, maxBatchBytes: 1 << 20, maxQueued: 1000, strictChecking: false });
  const subscribe = (namespace, callback) =>
    native.subscribeNetlink({ ...route, namespace, groups: [1], maxBytesPerTurn: 1 << 20 }, callback);
  const request = (type, flags) => {
    const bytes = Buffer.alloc(32);
    bytes.writeUInt32LE(32, 0);
    bytes.writeUInt16LE(type, 4);
    bytes.writeUInt16LE(1 | flags, 6);
    return bytes;
  };
  const dump = request(18, 0x300);
  const silence = request(1, 0);
  const addLink = (ns) =>
    native.runInNamespace(ns, { argv: ["ip", "link", "add", "br0", "type", "bridge"], timeoutMs: 9000, maxOutputBytes: 999 });
`;

/** Opens one of everything, and leaves every kind of work under way. */
const busy = `
  (async () => {
    const { parentPort } = require("node:worker_threads");
    const namespace = await native.createNamespace();
    const socket = await openSocket(namespace);
    await subscribe(namespace, () => {});
    await socket.exchange(dump, 1, 5000);
    for (let i = 0; i < 100; i++) socket.exchange(silence, 1, 60_000);
    (await openSocket(namespace)).exchange(Buffer.alloc(1 << 20, silence), 1, 60_000);
    for (let i = 0; i < 50; i++) native.openNamespace(null);
    for (let i = 0; i < 40; i++) {
      native.runInNamespace(namespace, { argv: ["sleep", "${lasting}"], timeoutMs: 60_000, maxOutputBytes: 1 });
    }
    setTimeout(() => parentPort.postMessage("busy"), 50);
  })();
`;

function startWorker(script: string): { worker: Worker; message: Promise<unknown>; exit: Promise<number> } {
  const worker = new Worker(prelude + script, { eval: true });
  const failed = new Promise<never>((_, reject) => worker.once("error", reject));
  const exit = Promise.race([new Promise<number>((resolve) => worker.once("exit", resolve)), failed]);
  const message = Promise.race([
    new Promise((resolve) => worker.once("message", resolve)),
    exit.then((code) => Promise.reject(new Error(`the worker ended with ${code} before it said a word`))),
  ]);
  message.catch(() => undefined); // not every test waits for a word
  return { worker, message, exit };
}

/** Runs a script in a node of its own. */
async function runNode(script: string, ...flags: string[]): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, [...flags, "-e", prelude + script], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const killer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(killer);
  return { status, output };
}

/** Processes of this test's that are still there. */
function sleepers(): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8") === `sleep\0${lasting}\0`;
    } catch {
      return false;
    }
  });
}

describe("a worker thread", () => {
  test("uses the add-on beside the main thread, and ends by itself", async () => {
    const script = `
      (async () => {
        const namespace = await native.createNamespace();
        const socket = await openSocket(namespace);
        const answers = await Promise.all(Array.from({ length: 100 }, () => socket.exchange(dump, 1, 5000)));
        let told;
        const event = new Promise((resolve) => (told = resolve));
        const keepAlive = setTimeout(() => {}, 10_000); // a subscription keeps no environment
        await subscribe(namespace, (error, datagrams) => told(datagrams.length));
        await addLink(namespace);
        const events = await event;
        clearTimeout(keepAlive);
        require("node:worker_threads").parentPort.postMessage([answers.length, events > 0]);
      })();`;
    const before = native().openHandles();
    const { message, exit } = startWorker(script);
    expect(await message).toEqual([100, true]);
    expect(await exit).toBe(0);
    expect(native().openHandles()).toEqual(before);
  });

  test("that is terminated with everything under way takes it all along, at once", async () => {
    const before = native().openHandles();
    for (let round = 0; round < 5; round++) {
      const { worker, message, exit } = startWorker(busy);
      expect(await message).toBe("busy");
      expect(sleepers().length).toBeGreaterThan(10);
      const started = performance.now();
      await worker.terminate();
      await exit;
      expect(performance.now() - started).toBeLessThan(5000);
      expect(native().openHandles()).toEqual(before);
      expect(sleepers()).toEqual([]);
    }
  });

  test("may be terminated at any moment", async () => {
    const before = native().openHandles();
    for (let delay = 0; delay < 60; delay += 3) {
      const { worker, exit } = startWorker(busy);
      await sleep(delay);
      await worker.terminate();
      await exit;
      expect(native().openHandles()).toEqual(before);
      expect(sleepers()).toEqual([]);
    }
  });

  test("that exits of itself in the midst of it all is no worse", async () => {
    const before = native().openHandles();
    const { exit } = startWorker(`${busy} setTimeout(() => process.exit(3), 100);`);
    expect(await exit).toBe(3);
    expect(native().openHandles()).toEqual(before);
    expect(sleepers()).toEqual([]);
  });
});

describe("a process", () => {
  test("is not kept alive by a subscription", async () => {
    expect(await runNode(`subscribe(null, () => {}).then(() => console.log("subscribed"));`)).toEqual({
      status: 0,
      output: "subscribed\n",
    });
  });

  test("is kept alive by work under way", async () => {
    const script = `
      native.runInNamespace(null, { argv: ["sleep", "0.2"], timeoutMs: 9000, maxOutputBytes: 1 }).then(({ status }) =>
        openSocket(null).then((socket) => socket.exchange(silence, 1, 100)).catch(({ code }) => console.log(status, code)),
      );`;
    expect(await runNode(script)).toEqual({ status: 0, output: "0 ETIMEDOUT\n" });
  });

  test("ends when it says so, whatever is under way", async () => {
    const script = `
      (async () => {
        const namespace = await native.createNamespace();
        await subscribe(namespace, () => {});
        const socket = await openSocket(namespace);
        socket.exchange(silence, 1, 300);
        native.runInNamespace(namespace, { argv: ["sleep", "0.3"], timeoutMs: 9000, maxOutputBytes: 1 });
        setTimeout(() => process.exit(4), 30);
      })();`;
    expect(await runNode(script)).toEqual({ status: 4, output: "" });
  });

  test("hears what a subscription's callback throws as an uncaught exception", async () => {
    const script = `
      process.on("uncaughtException", (error) => console.log("uncaught:", error.message));
      (async () => {
        const namespace = await native.createNamespace();
        let calls = 0;
        const keepAlive = setTimeout(() => {}, 10_000);
        const subscription = await subscribe(namespace, () => {
          if (++calls === 1) throw new Error("of the callback's");
          console.log("called again");
          subscription.close();
          clearTimeout(keepAlive);
        });
        await addLink(namespace);
        await native.runInNamespace(namespace, { argv: ["ip", "link", "del", "br0"], timeoutMs: 9000, maxOutputBytes: 9 });
      })();`;
    const { status, output } = await runNode(script);
    expect(output).toBe("uncaught: of the callback's\ncalled again\n");
    expect(status).toBe(0);
  });

  test("ends by what a subscription's callback throws when nobody hears it", async () => {
    const script = `
      (async () => {
        const namespace = await native.createNamespace();
        await subscribe(namespace, () => { throw new Error("of the callback's"); });
        await addLink(namespace);
        setTimeout(() => {}, 10_000); // a subscription keeps no process
      })();`;
    const { status, output } = await runNode(script);
    expect(output).toContain("Error: of the callback's");
    expect(status).toBe(1);
  });

  test("gets handles back that were forgotten, but not those at work", async () => {
    const script = `
      const { setTimeout: sleep } = require("node:timers/promises");
      let events = 0;
      const count = () => (events += 1); // its scope holds no handle
      (async () => {
        await (async () => {
          const namespace = await native.createNamespace();
          await native.openNamespace(null);
          await openSocket(null);
          await subscribe(namespace, count);
          await native.openRelay({
            namespace, workers: 1, mark: 0, idleMs: 1000, halfClosedMs: 1000, flowIdleMs: 1000, connectTimeoutsMs: [250],
            maxConnections: 10, maxFlows: 10, listeners: [],
          });
          globalThis.waiting = openSocket(null).then((socket) => socket.exchange(silence, 1, 500)).catch((e) => e.code);
          globalThis.add = () => addLink(namespace);
        })();
        for (let i = 0; i < 5; i++) { await sleep(20); gc(); }
        await globalThis.add();
        await sleep(20);
        console.log(JSON.stringify(native.openHandles()), events > 0);
        console.log(await globalThis.waiting);
        globalThis.add = undefined;
        for (let i = 0; i < 5; i++) { await sleep(20); gc(); }
        console.log(JSON.stringify(native.openHandles()));
      })();`;
    const { output } = await runNode(script, "--expose-gc");
    expect(output.split("\n")).toEqual([
      '{"namespaces":1,"sockets":1,"programs":0,"relays":0,"subscriptions":1} true',
      "ETIMEDOUT",
      '{"namespaces":0,"sockets":0,"programs":0,"relays":0,"subscriptions":1}',
      "",
    ]);
  });
});
