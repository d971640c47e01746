/** The way between shim and agent: an agent that is away, dies or has much to do, and who may reach it. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { serveCni, type FinishedCall } from "../../../cni/server.ts";
import { namespaces } from "../../../src/kernel/real/namespaces.ts";
import { runPlugin, startAgent, type TestAgent } from "../../fixtures/cni_plugin.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { FakePodNetwork } from "../../fixtures/fake_pod_network.ts";

let network: FakePodNetwork;
let agent: TestAgent;
let calls: FinishedCall[];

beforeEach(async () => {
  network = new FakePodNetwork();
  calls = [];
  agent = await startAgent(network, { maxRunning: 4, maxWaiting: 20, onCall: (call) => calls.push(call) });
});
afterEach(async () => {
  // A test that failed may have left the network waiting.
  network.gate = async () => {};
  await agent.stop();
});

interface CallOptions {
  readonly id?: string;
  readonly config?: object;
  readonly socket?: string;
}

/** DEL needs no namespace. */
async function call(verb: string, { id = "c1", config = {}, socket = agent.socketPath }: CallOptions = {}) {
  const conf = {
    cniVersion: "1.1.0",
    name: "pods",
    type: "fairlead-cni",
    socket,
    "cni.dev/valid-attachments": [],
    ...config,
  };
  const env = { CNI_COMMAND: verb, CNI_CONTAINERID: id, CNI_IFNAME: "eth0", CNI_NETNS: "", CNI_PATH: "/opt/cni/bin" };
  const { exitCode, stdout } = await runPlugin({
    env: verb === "ADD" || verb === "CHECK" ? { ...env, CNI_NETNS: "/x" } : env,
    stdin: JSON.stringify(conf),
  });
  return { exitCode, code: stdout === "" ? undefined : (JSON.parse(stdout) as { code: number }).code };
}

/** Makes every call wait until the function returned is called. */
function closeGate(): () => void {
  let open = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  network.gate = () => gate;
  return open;
}

describe("an agent that is away", () => {
  test.each([
    ["ADD", 11],
    ["DEL", 11],
    ["CHECK", 11],
    ["GC", 11],
    ["STATUS", 50],
  ])("%s says %i", async (verb, code) => {
    expect(await call(verb, { socket: `${agent.folder}/nobody.sock` })).toEqual({ exitCode: 1, code });
  });

  test("a socket that nobody serves any more, and what is no socket", async () => {
    const stale = path.join(agent.folder, "stale.sock");
    leaveSocket(stale);
    const file = path.join(agent.folder, "file");
    writeFileSync(file, "");
    expect(await call("ADD", { socket: stale })).toMatchObject({ code: 11 });
    expect(await call("ADD", { socket: file })).toMatchObject({ code: 11 });
    expect(await call("ADD", { socket: `/${"s".repeat(150)}` })).toMatchObject({ code: 11 });
  });

  test("one that goes before it answers", async () => {
    for (const bytes of ["", "FLC1\0\0\0\0\u0010\0\0\0{"]) {
      const server = await listening(path.join(agent.folder, "rude.sock"), (socket) => {
        socket.once("data", () => socket.end(bytes));
      });
      expect(await call("ADD", { socket: path.join(agent.folder, "rude.sock") })).toEqual({ exitCode: 1, code: 11 });
      await closed(server);
    }
  });

  test("what answers something else is no agent", async () => {
    const socketPath = path.join(agent.folder, "http.sock");
    const server = await listening(socketPath, (socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    );
    expect(await call("ADD", { socket: socketPath })).toEqual({ exitCode: 1, code: 5 });
    await closed(server);
  });
});

describe("many calls", () => {
  test("as many at one time as are allowed, each container's one after another", async () => {
    const open = closeGate();
    const ids = ["c1", "c2", "c3", "c4", "c5", "c6"];
    const all = ids.map((id) => call("DEL", { id }));
    await eventually(
      "four that run and two that wait",
      () => agent.server.load.running === 4 && agent.server.load.waiting === 2,
    );
    const again = [call("DEL", { id: "c1" }), call("DEL", { id: "c1" })];
    await eventually("four that wait", () => agent.server.load.waiting === 4);
    open();
    expect((await Promise.all([...all, ...again])).every(({ exitCode }) => exitCode === 0)).toBe(true);
    expect(network.mostRunning).toBe(4);
    expect(network.calls.toSorted()).toEqual([...ids, "c1", "c1"].map((id) => `DEL ${id} eth0`).toSorted());
  });

  test("GC runs alone, in its turn; STATUS waits for nobody", async () => {
    const open = closeGate();
    const first = call("DEL", { id: "c1" });
    await eventually("the first runs", () => network.running === 1);
    const collect = call("GC");
    await eventually("GC waits", () => agent.server.load.waiting === 1);
    const later = call("DEL", { id: "c2" });
    await eventually("the later waits", () => agent.server.load.waiting === 2);
    const status = call("STATUS");
    await eventually("STATUS is there", () => network.running === 2);
    open();
    await Promise.all([first, collect, later, status]);
    expect(network.calls.filter((what) => !what.startsWith("STATUS"))).toEqual([
      "DEL c1 eth0",
      "GC pods",
      "DEL c2 eth0",
    ]);
  });

  test("more than may wait are told to come later", async () => {
    const open = closeGate();
    const all = Array.from({ length: 27 }, (_, i) => call("DEL", { id: `c${i}` }));
    await eventually("three that were told", () => calls.length === 3);
    open();
    const codes = (await Promise.all(all)).map(({ code }) => code);
    expect(codes.filter((code) => code === 11)).toHaveLength(3);
    expect(codes.filter((code) => code === undefined)).toHaveLength(24);
  });

  test("one that takes too long is answered, and what comes next for the container waits for it", async () => {
    await agent.stop();
    agent = await startAgent(network, { answerTimeoutMs: 100 });
    const open = closeGate();
    expect(await call("DEL")).toEqual({ exitCode: 1, code: 11 });
    const next = call("DEL");
    await eventually("the next waits", () => agent.server.load.waiting === 1);
    expect(await next).toEqual({ exitCode: 1, code: 11 });
    open();
    await eventually("both are done", () => network.calls.length === 2);
    expect(network.mostRunning).toBe(1);
  });
});

describe("the agent's end", () => {
  test("calls that run are answered, those that wait told to come later, and the socket goes", async () => {
    const open = closeGate();
    const running = Array.from({ length: 4 }, (_, i) => call("DEL", { id: `c${i}` }));
    await eventually("four that run", () => network.running === 4);
    const waiting = call("DEL", { id: "c9" });
    await eventually("one that waits", () => agent.server.load.waiting === 1);
    const stopped = agent.server.stop();
    expect(await waiting).toMatchObject({ code: 11 });
    open();
    expect((await Promise.all(running)).map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
    await stopped;
    expect(readdirSync(path.dirname(agent.socketPath))).toEqual([]);
  });

  test("a shim that was killed does not stop what it asked for", async () => {
    const open = closeGate();
    const conf = { cniVersion: "1.1.0", name: "pods", type: "fairlead-cni", socket: agent.socketPath };
    const env = { CNI_COMMAND: "DEL", CNI_CONTAINERID: "c1", CNI_IFNAME: "eth0" };
    const killed = runPlugin({ env, stdin: JSON.stringify(conf), timeoutMs: 1000 });
    await expect(killed).rejects.toThrow("did not end");
    open();
    await eventually("the call is done", () => calls.length === 1);
    expect(calls[0]).toMatchObject({ verb: "DEL", containerId: "c1", ifName: "eth0", error: undefined });
  });
});

describe("the socket", () => {
  test("is root's alone, and so is its folder", () => {
    expect(statSync(agent.socketPath).mode & 0o7777).toBe(0o600);
    expect(statSync(path.dirname(agent.socketPath)).mode & 0o7777).toBe(0o700);
  });

  test("another agent's is not taken, one that was left is, and is not removed by the one that left it", async () => {
    const options = { network, namespaces, socketPath: agent.socketPath };
    await expect(serveCni(options)).rejects.toMatchObject({
      code: "LISTEN",
      reason: expect.stringContaining("another agent"),
    });
    expect(await call("DEL")).toMatchObject({ exitCode: 0 });

    const other = path.join(agent.folder, "left.sock");
    leaveSocket(other);
    const heir = await serveCni({ ...options, socketPath: other });
    expect(await call("DEL", { socket: other })).toMatchObject({ exitCode: 0 });
    await heir.stop();
    expect(existsSync(other)).toBe(false);
  });

  test("a folder that cannot be used is an error", async () => {
    const blocked = path.join(agent.folder, "blocked");
    writeFileSync(blocked, "");
    await expect(serveCni({ network, namespaces, socketPath: `${blocked}/x.sock` })).rejects.toMatchObject({
      code: "LISTEN",
    });
    await expect(serveCni({ network, namespaces, socketPath: `/tmp/${"s".repeat(110)}` })).rejects.toMatchObject({
      code: "LISTEN",
    });
  });

  test.each([
    ["something else", "GET / HTTP/1.1\r\n\r\n"],
    ["a request that is too long", Buffer.from("FLC1\u0001\0\0\0\0\0\0\u0001", "latin1")],
    ["one without an environment", Buffer.from("FLC1\0\0\0\0\u0001\0\0\0", "latin1")],
    ["one with more behind it", Buffer.from("FLC1\u0002\0\0\0\u0002\0\0\0A\0{}more", "latin1")],
  ])("%s loses its connection", async (_what, bytes) => {
    const socket = net.connect(agent.socketPath);
    const received: Buffer[] = [];
    socket.on("data", (chunk) => received.push(chunk));
    socket.on("error", () => {});
    const end = new Promise((resolve) => socket.once("close", resolve));
    socket.write(bytes);
    await end;
    expect(Buffer.concat(received)).toHaveLength(0);
    expect(network.calls).toEqual([]);
  });
});

function listening(socketPath: string, onConnection: (socket: net.Socket) => void): Promise<net.Server> {
  const server = net.createServer((socket) => {
    // The shim closes what it has no more use for.
    socket.on("error", () => {});
    onConnection(socket);
  });
  return new Promise((resolve) => server.listen(socketPath, () => resolve(server)));
}

function closed(server: net.Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** A socket as a program leaves it that was killed. */
function leaveSocket(socketPath: string): void {
  execFileSync("python3", [
    "-c",
    "import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()",
    socketPath,
  ]);
}
