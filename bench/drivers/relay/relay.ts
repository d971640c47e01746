/** One TCP relay between a client and a server: ours, or a rival; each on a node of its own that lies between the two. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { native } from "../../../src/kernel/native.ts";
import type { Cleanup, Driver, Measurement } from "../../driver.ts";
import { missingProgram, scratchFolder } from "../../namespace.ts";
import { groups, makeNetwork, spawnIn, type Network } from "../proxy/sync/network.ts";

export type Traffic = "stream" | "rr" | "crr";

export type RelayParameters = {
  readonly connections: number;
  /** Of one measurement. */
  readonly milliseconds: number;
};

const server = { address: groups[0][0], port: 8080 } as const;
const relayed = { address: "10.0.0.1", port: 9000 } as const;
const workers = 2;
const source = fileURLToPath(new URL("load.c", import.meta.url)).replace("/dist/", "/");

/** Where the client finds it, and threads whose time is the relay's. */
interface Started {
  readonly address: string;
  readonly port: number;
  readonly threads: () => readonly string[];
}

type Start = (network: Network, cleanup: Cleanup) => Promise<Started>;

const ours: Start = async ({ nodeNamespace }, cleanup) => {
  const dayMs = 24 * 3_600_000;
  const relay = await native().openRelay({
    namespace: nodeNamespace,
    workers,
    maxConnections: 4000,
    maxFlows: 1,
    mark: 0,
    connectTimeoutsMs: [5000],
    idleMs: dayMs,
    halfClosedMs: dayMs,
    flowIdleMs: dayMs,
    listeners: [],
  });
  cleanup.add(() => relay.close());
  const bytes = ({ address }: { readonly address: string }): number[] => address.split(".").map(Number);
  const endpoints = Buffer.from([...bytes(server), server.port >> 8, server.port & 255, 0, 0]);
  const listen = { address: Buffer.from(bytes(relayed)), port: relayed.port };
  const frontend = {
    key: Buffer.from("web"),
    protocol: "TCP",
    listen,
    isRedirected: false,
    ipVersion: 4,
    endpoints,
    affinityMs: 0,
  } as const;
  await relay.update({ set: [frontend], gone: [] });
  return { ...relayed, threads: () => threadsOf(process.pid).filter((task) => textOf(task, "comm") === "relay\n") };
};

const haproxy =
  (options: string): Start =>
  async (network, cleanup) => {
    const file = path.join(scratchFolder(cleanup), "haproxy.cfg");
    const { address, port } = server;
    const lines = [
      "global",
      `  nbthread ${workers}`,
      "  maxconn 4000",
      "defaults",
      "  mode tcp",
      "  timeout connect 5s",
      "  timeout client 1d",
      "  timeout server 1d",
      ...(options === "" ? [] : [`  ${options}`]),
      "listen web",
      `  bind ${relayed.address}:${relayed.port}`,
      `  server web ${address}:${port}`,
    ];
    writeFileSync(file, `${lines.join("\n")}\n`);
    const child = spawnIn(network.node, ["haproxy", "-db", "-f", file], { stdio: "ignore" });
    cleanup.add(async () => {
      const ended = once(child, "close");
      child.kill("SIGKILL");
      await ended;
    });
    return { ...relayed, threads: () => threadsOf(child.pid!) };
  };

export function relayDrivers(traffic: Traffic): readonly Driver<RelayParameters>[] {
  return [
    driver("fairlead", "our relay", traffic, ours),
    driver("haproxy", "HAProxy, mode tcp", traffic, haproxy("")),
    driver("haproxy, splice", "the same with option splice-auto", traffic, haproxy("option splice-auto")),
  ];
}

function driver(name: string, what: string, traffic: Traffic, start: Start): Driver<RelayParameters> {
  let network: Network;
  let program: string;
  let started: Started;
  return {
    name,
    what,
    missing: () => missingProgram("gcc") ?? (name.startsWith("haproxy") ? missingProgram("haproxy") : undefined),
    async once(_, cleanup) {
      program = compiled(cleanup);
      network = await makeNetwork(cleanup);
      await serve(network, program, cleanup);
      started = await start(network, cleanup);
      await untilAnswers(network, program, started);
    },
    prepare: (parameters) => Promise.resolve(() => measure(network, program, traffic, started, parameters)),
  };
}

function compiled(cleanup: Cleanup): string {
  const program = path.join(scratchFolder(cleanup), "load");
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-o", program, source]);
  return program;
}

/** The serving end, and no TIME-WAIT anywhere, which would take ports away from who opens so many connections. */
async function serve(network: Network, program: string, cleanup: Cleanup): Promise<void> {
  for (const name of [network.client, network.node, network.server]) {
    const child = spawnIn(name, ["sysctl", "-qw", "net.ipv4.tcp_max_tw_buckets=0"], { stdio: "ignore" });
    await once(child, "close");
  }
  const child = spawnIn(network.server, [program, "serve", server.address, String(server.port)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  cleanup.add(async () => {
    const ended = once(child, "close");
    child.stdin!.end();
    await ended;
  });
  await once(child.stdout!, "data");
}

async function untilAnswers(network: Network, program: string, started: Started): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await ask(network, program, "rr", started, { connections: 1, milliseconds: 1 });
      return;
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(50);
    }
  }
}

interface Asked {
  readonly seconds: number;
  readonly count: number;
  readonly bytes: number;
  readonly failures: number;
  /** µs */
  readonly p50: number;
  readonly p99: number;
}

async function ask(
  { client }: Network,
  program: string,
  traffic: Traffic,
  { address, port }: Started,
  { connections, milliseconds }: RelayParameters,
): Promise<Asked> {
  const child = spawnIn(client, [program, traffic, address, String(port), String(connections), String(milliseconds)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [said, complained] = ["", ""];
  child.stdout!.on("data", (data: Buffer) => (said += data.toString()));
  child.stderr!.on("data", (data: Buffer) => (complained += data.toString()));
  await once(child, "close");
  if (said === "") throw new Error(`load ${traffic}: ${complained}`);
  return JSON.parse(said) as Asked;
}

async function measure(
  network: Network,
  program: string,
  traffic: Traffic,
  started: Started,
  parameters: RelayParameters,
): Promise<Measurement> {
  const before = nanosecondsOf(started.threads());
  const asked = await ask(network, program, traffic, started, parameters);
  const cpu = nanosecondsOf(started.threads()) - before;
  if (asked.failures > 0) throw new Error(`${asked.failures} of ${asked.count} failed`);
  const done = traffic === "stream" ? asked.bytes / 2 ** 20 : asked.count;
  const unit = { stream: "MiB", rr: "exchange", crr: "connection" }[traffic];
  return {
    figures: {
      cpu: { value: cpu / 1000 / done, unit: `µs/${unit}` },
      rate: { value: done / asked.seconds, unit: `${unit}s/s` },
      ...(traffic === "stream" ? {} : { p50: { value: asked.p50, unit: "µs" }, p99: { value: asked.p99, unit: "µs" } }),
    },
  };
}

function threadsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/task`).map((id) => `/proc/${pid}/task/${id}`);
}

function textOf(task: string, file: string): string {
  return readFileSync(`${task}/${file}`, "utf8");
}

/** Their time on processors. */
function nanosecondsOf(tasks: readonly string[]): number {
  return tasks.reduce((sum, task) => sum + Number(textOf(task, "schedstat").split(" ")[0]), 0);
}
