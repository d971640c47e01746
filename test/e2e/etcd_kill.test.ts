/**
 * kill -9 of the server in front of etcd, and of etcd itself: what was acknowledged is there, and watches end or go on in
 * order. Some rounds in `npm test`, 200 in `npm run test:long`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { adminClient, type AdminClient } from "../fixtures/admin_client.ts";
import { freePort, startEtcd, type Etcd } from "../fixtures/etcd.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startServerProcess, type ServerProcess } from "../fixtures/fairlead_server.ts";
import { seed } from "../fixtures/seed.ts";
import { WatchLog } from "../fixtures/watch_log.ts";
import { WriteLoad } from "../fixtures/write_load.ts";

const rounds = process.env["FAIRLEAD_LONG"] ? 200 : 3;
const names = 12;

let etcd: Etcd;
let folder: string;
let port: number;
let server: ServerProcess;
let client: AdminClient;
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-etcd-kill-"));
  etcd = await startEtcd();
  port = await freePort();
  server = await start();
  client = adminClient(server.kubeconfig, names + 4);
});
afterEach(async () => {
  client.close();
  server.signal("SIGKILL");
  await server.exited;
  await etcd.stop();
  rmSync(folder, { recursive: true, force: true });
});

const start = (): Promise<ServerProcess> =>
  startServerProcess(folder, ["--secure-port", String(port), "--etcd-servers", etcd.endpoint]);

it(`the server is killed ${rounds} times`, { timeout: 60_000 + rounds * 20_000 }, async () => {
  const { load } = await through(async () => {
    server.signal("SIGKILL");
    // It ends by our hand alone.
    expect(await server.exited).toBe("SIGKILL");
    server = await start();
  });
  expect(load.doubts).toBeGreaterThan(0);
});

it(`etcd is killed ${rounds} times`, { timeout: 60_000 + rounds * 20_000 }, async () => {
  const { load } = await through(async (round) => {
    await etcd.kill();
    // Sometimes longer than the server bears in silence.
    await sleep(round % 3 === 2 ? 1500 : 50);
    await etcd.restart();
  });
  expect(load.doubts).toBeGreaterThan(0);
  // The server lived through it all.
  expect(server.child.exitCode).toBeNull();
});

/** Writes and watches while something happens again and again, and compares at the end. */
async function through(happen: (round: number) => Promise<void>): Promise<{ load: WriteLoad; watch: WatchLog }> {
  console.log(`seed ${seed} (FAIRLEAD_SEED repeats it)`);
  const load = new WriteLoad(client, seed, names);
  const watch = new WatchLog(client, `https://127.0.0.1:${port}`);
  await watch.start();
  for (let round = 0; round < rounds; round++) {
    const before = load.writes;
    load.start();
    await eventually("writes", () => load.writes > before + names, 60_000);
    await sleep((seed + round * 7919) % 300);
    await happen(round);
    await load.stop();
    expect([...load.faults, ...watch.faults]).toEqual([]);
  }
  await eventually("the watch's end", () => sameMaps(watch.state, load.expected()), 60_000).catch(() => undefined);
  const { body } = await client.request("GET", "/api/v1/namespaces/default/configmaps");
  const listed = new Map<string, string>(body.items.map((item: any) => [item.metadata.name, item.data?.value]));
  // What the server makes for itself is nobody's write.
  listed.delete("kube-root-ca.crt");
  watch.state.delete("kube-root-ca.crt");
  await watch.stop();
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(load.expected()));
  expect(Object.fromEntries(watch.state)).toEqual(Object.fromEntries(load.expected()));
  const jumped = (version: number): boolean => watch.gaps.some(([from, to]) => from < version && version <= to);
  const missed = [...load.acknowledged].filter(
    ([version, what]) => !jumped(version) && watch.seen.get(version) !== what,
  );
  expect(missed).toEqual([]);
  console.log(
    `${load.writes} writes, ${load.doubts} in doubt; ${watch.ends} ends of the watch, ${watch.gaps.length} lists`,
  );
  return { load, watch };
}

function sameMaps(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
