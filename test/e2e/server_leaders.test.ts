/** Two servers on one etcd: one acts, the other takes over, and never both. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEtcd, type Etcd } from "../fixtures/etcd.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startServerProcess, type ServerProcess } from "../fixtures/fairlead_server.ts";

/** The bound of a takeover. */
const takeoverMs = 15_000;
const lease = ["get", "lease", "-n", "kube-system", "kube-controller-manager", "-o"];

let folder: string;
let etcd: Etcd;
let servers: ServerProcess[];
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-leaders-"));
  etcd = await startEtcd();
  servers = [];
});
afterEach(async () => {
  for (const server of servers) {
    server.signal("SIGKILL");
    await server.exited;
  }
  await etcd.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(name: string): Promise<ServerProcess> {
  const dataDir = path.join(folder, name);
  const first = servers[0];
  if (first) {
    mkdirSync(dataDir, { mode: 0o700 });
    cpSync(path.join(first.dataDir, "pki"), path.join(dataDir, "pki"), { recursive: true });
  }
  const server = await startServerProcess(dataDir, ["--secure-port", "0", "--etcd-servers", etcd.endpoint]);
  servers.push(server);
  return server;
}

const said = (server: ServerProcess, message: string): boolean =>
  server.log().some(({ msg, actor }) => msg === message && actor === "kube-controller-manager");
const acts = (server: ServerProcess): boolean => said(server, "acting as the leader");

async function two(): Promise<[ServerProcess, ServerProcess]> {
  const first = await start("a");
  await eventually("the first leader", () => acts(first), takeoverMs);
  const second = await start("b");
  return [first, second];
}

/** Work that a controller has to do. @returns ms until it was done */
async function emptied(server: ServerProcess, namespace: string, boundMs: number): Promise<number> {
  await server.run(["create", "namespace", namespace]);
  await server.run(["delete", "namespace", namespace, "--wait=false"]);
  const from = performance.now();
  const gone = async () => !(await server.run(["get", "namespaces", "-o", "name"])).includes(`/${namespace}\n`);
  await eventually(`the end of ${namespace}`, gone, boundMs);
  return performance.now() - from;
}

/** Ends with kill -9 of the leader. */
async function killLeader(first: ServerProcess, second: ServerProcess): Promise<number> {
  first.signal("SIGKILL");
  await first.exited;
  const from = performance.now();
  await eventually("the takeover", () => acts(second), takeoverMs + 30_000);
  return performance.now() - from;
}

describe("two servers on one etcd", () => {
  it("have one that acts, and the other within 15 s of its death", async () => {
    const [first, second] = await two();
    await emptied(second, "by-the-first", takeoverMs);
    expect(acts(second)).toBe(false);
    expect(await killLeader(first, second)).toBeLessThan(takeoverMs);
    await emptied(second, "by-the-second", takeoverMs);
    const spec = JSON.parse(await second.run([...lease, "jsonpath={.spec}"])) as Record<string, unknown>;
    expect(spec).toMatchObject({ leaseDurationSeconds: 10, leaseTransitions: 1 });
    const told = await second.run([
      "get",
      "events",
      "-n",
      "kube-system",
      "-o",
      "jsonpath={range .items[*]}{.message}{'\\n'}",
    ]);
    expect(told.match(/ became leader/g)?.length).toBeGreaterThanOrEqual(2);
  });

  it("hand over at once where the leader is stopped in peace", async () => {
    const [first, second] = await two();
    first.signal("SIGTERM");
    expect(await first.exited).toBe(0);
    // Two looks of the other one; a Lease that is not given up lasts ten seconds.
    const from = performance.now();
    await eventually("the takeover", () => acts(second), takeoverMs);
    expect(performance.now() - from).toBeLessThan(8000);
    expect(said(first, "acting no more")).toBe(true);
  });

  it("leave one that was stopped in its tracks and wakes again without any say", async () => {
    const [first, second] = await two();
    first.signal("SIGSTOP");
    await eventually("the takeover", () => acts(second), takeoverMs + 30_000);
    await second.run(["create", "namespace", "seen-late"]);
    await sleep(5000);
    const before = first.log().length;
    first.signal("SIGCONT");
    await eventually("the end of its term", () => said(first, "acting no more"), takeoverMs);
    await emptied(second, "by-the-second", takeoverMs);
    await sleep(3000);
    const since = first.log().slice(before);
    expect(since.filter(({ msg }) => msg === "acting as the leader")).toEqual([]);
    const holder = await second.run([...lease, "jsonpath={.spec.holderIdentity}"]);
    const own = second.log().find(({ msg }) => msg === "acting as the leader");
    expect(holder).toBe(own?.["identity"]);
  });
});
