/** The agent is killed again and again while a runtime adds and deletes pods: nothing leaks, no address is given twice. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { native, type NativeNamespace } from "../../src/kernel/native.ts";
import { runPlugin } from "../fixtures/cni_plugin.ts";
import { run } from "../fixtures/namespace.ts";
import { seed } from "../fixtures/seed.ts";

const isLong = process.env["FAIRLEAD_LONG"] === "1";
const podCount = isLong ? 500 : 24;
const atOnce = isLong ? 100 : 12;
const kills = isLong ? 30 : 4;
/** ADD and DEL of each pod, twice: half of the calls leave the kills room to come in their midst. */
const callsBetweenKills = Math.floor((podCount * 4) / kills / 2);
const agentScript = path.resolve(import.meta.dirname, "../../dist/bench/drivers/cni/agent.js");

let folder: string;
let socketPath: string;
let node: NativeNamespace;
let agent: ChildProcess;
let pods: NativeNamespace[];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-kill-"));
  socketPath = path.join(folder, "agent/cni.sock");
  node = await native().createNamespace();
  await run(node, ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
  pods = await Promise.all(Array.from({ length: podCount }, () => native().createNamespace()));
  agent = await startAgent();
});
afterEach(async () => {
  await end(agent, "SIGKILL");
  for (const namespace of [...pods, node]) namespace.close();
  rmSync(folder, { recursive: true });
});

async function startAgent(): Promise<ChildProcess> {
  const args = [
    `--net=/proc/${process.pid}/fd/${node.fd}`,
    process.execPath,
    agentScript,
    socketPath,
    `${folder}/state`,
  ];
  const child = spawn("nsenter", args, { stdio: ["pipe", "pipe", "inherit"] });
  const [said] = (await Promise.race([once(child.stdout, "data"), once(child, "exit")])) as [unknown];
  if (!Buffer.isBuffer(said)) throw new Error("the agent ended at its start");
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
}

let succeeded = 0;

/** Starts of all agents, on a machine that does much else. */
const patienceMs = kills * 10_000;
/** Between two tries: all lanes together leave the agent that starts some of the processors' time. */
const pauseMs = 10 * atOnce;

async function call(verb: "ADD" | "DEL", index: number) {
  const ipam = { ranges: [[{ subnet: "10.66.0.0/22" }], [{ subnet: "fd00:66::/64" }]] };
  const config = { cniVersion: "1.1.0", name: "kill", type: "fairlead-cni", socket: socketPath, ipam };
  const netns = `/proc/${process.pid}/fd/${pods[index]!.fd}`;
  const env = { CNI_COMMAND: verb, CNI_CONTAINERID: `pod-${index}`, CNI_NETNS: netns, CNI_IFNAME: "eth0" };
  const { exitCode, stdout } = await runPlugin({ env, stdin: JSON.stringify(config) });
  if (exitCode === 0) succeeded++;
  return {
    ok: exitCode === 0,
    answer: (stdout === "" ? {} : JSON.parse(stdout)) as { code?: number; ips: { address: string }[] },
  };
}

/** As a runtime does it: a DEL until one succeeds, whatever ADD said. */
async function deleteUntilGone(index: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const { ok, answer } = await call("DEL", index);
    if (ok) return;
    if (Date.now() > deadline) throw new Error(`pod ${index} could not be deleted: ${JSON.stringify(answer)}`);
    await sleep(pauseMs);
  }
}

async function inLanes(work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < podCount; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

test("kill -9 in the middle of many ADD and DEL", { timeout: 600_000 }, async () => {
  console.log(`seed ${seed}`);
  const held = new Map<number, readonly string[]>();
  const codes = new Map<number, number>();
  let isDone = false;
  let random = seed;
  let killed = 0;
  const killing = (async () => {
    for (; killed < kills && !isDone; killed++) {
      random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
      // By calls and not by time: however slow the machine is, some calls succeed between two kills.
      const enough = succeeded + 1 + (random % callsBetweenKills);
      while (succeeded < enough && !isDone) await sleep(2);
      await sleep(random % 8);
      await end(agent, "SIGKILL");
      agent = await startAgent();
    }
  })();

  const attach = async (index: number): Promise<void> => {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const { ok, answer } = await call("ADD", index);
      if (ok) {
        const addresses = answer.ips.map(({ address }) => address);
        const others = [...held].filter(([, theirs]) => theirs.some((address) => addresses.includes(address)));
        expect(others, `pod ${index} got ${addresses.join()}`).toEqual([]);
        held.set(index, addresses);
        return;
      }
      codes.set(answer.code!, (codes.get(answer.code!) ?? 0) + 1);
      if (Date.now() > deadline) throw new Error(`pod ${index} could not be added: ${JSON.stringify(answer)}`);
      await deleteUntilGone(index);
    }
  };
  const detach = async (index: number): Promise<void> => {
    held.delete(index);
    await deleteUntilGone(index);
  };
  try {
    for (let again = 0; again < 2; again++) {
      await inLanes(attach);
      expect(held.size).toBe(podCount);
      await inLanes(detach);
    }
  } finally {
    isDone = true;
    await killing;
  }
  expect(killed).toBe(kills);
  // What is in the middle of an answer is tried again; nothing else goes wrong.
  expect([...codes.keys()].filter((code) => code !== 11)).toEqual([]);

  expect(await run(node, ["ip", "-o", "link", "show", "type", "veth"])).toBe("");
  expect(await run(node, ["nft", "list", "ruleset"])).not.toMatch(/10\.66\.|fd00:66:/);
  for (const pod of pods) expect(await run(pod, ["ip", "-o", "link"])).not.toContain("eth0");
  const state = new Database(path.join(folder, "state/state.db"), { readonly: true });
  const count = (table: string) => state.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
  expect([count("attachment"), count("lease")]).toEqual([0, 0]);
  state.close();
  expect(readdirSync(path.dirname(socketPath))).toEqual(["cni.sock"]);
});
