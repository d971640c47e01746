/** Two servers on one etcd: one acts, the other takes over, and never both. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HttpClient } from "../../src/api/http/http_client.ts";
import { resourceTypes } from "../../src/api/resource_types.ts";
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

/** Each gives Services addresses of its own: an address says who wrote it. */
const pools = { a: "10.201.0.0/16", b: "10.202.0.0/16" } as const;

async function start(name: keyof typeof pools): Promise<ServerProcess> {
  const dataDir = path.join(folder, name);
  const first = servers[0];
  if (first) {
    mkdirSync(dataDir, { mode: 0o700 });
    cpSync(path.join(first.dataDir, "pki"), path.join(dataDir, "pki"), { recursive: true });
  }
  const server = await startServerProcess(dataDir, [
    "--secure-port=0",
    `--etcd-servers=${etcd.endpoint}`,
    `--load-balancer-pool=${pools[name]}`,
  ]);
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

/** Makes work all the time, and keeps who did it, in the order in which the store took it. */
class WriteLog {
  readonly writers: ("a" | "b")[] = [];
  readonly #client: HttpClient;
  readonly #known = new Set<string>();
  #running = true;
  #ended: Promise<void> | undefined;

  constructor(server: ServerProcess) {
    this.#client = new HttpClient({ kubeconfig: server.kubeconfig, userAgent: "write-log" });
  }

  async start(): Promise<void> {
    const { services } = resourceTypes;
    const { resourceVersion } = await this.#client.list(services);
    this.#client.watch(
      services,
      { namespace: "default", resourceVersion },
      {
        onEvent: (event) => {
          if (event.type !== "MODIFIED") return;
          const ip = event.object.status?.loadBalancer?.ingress?.[0]?.ip;
          const written = `${event.object.metadata.name} ${ip}`;
          if (ip === undefined || this.#known.has(written)) return;
          this.#known.add(written);
          this.writers.push(ip.startsWith("10.201.") ? "a" : "b");
        },
        onEnd: (error) => {
          if (this.#running) throw new Error(`the log ended: ${error?.message}`);
        },
      },
    );
    this.#ended = this.#work();
  }

  async #work(): Promise<void> {
    for (let i = 0; this.#running; i++) {
      const spec = { type: "LoadBalancer", selector: { a: "b" }, ports: [{ port: 80 }] };
      await this.#client.create(resourceTypes.services, {
        metadata: { namespace: "default", name: `work-${i}` },
        spec,
      });
      await sleep(50);
    }
  }

  count(writer: "a" | "b"): number {
    return this.writers.filter((one) => one === writer).length;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#ended;
    this.#client.close();
  }
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

  it("never write both, where one that leads is stopped in its tracks and wakes again", async () => {
    const [first, second] = await two();
    const log = new WriteLog(second);
    await log.start();
    await eventually("work of the first", () => log.count("a") >= 5, takeoverMs);
    first.signal("SIGSTOP");
    await eventually("work of the second", () => log.count("b") >= 5, takeoverMs + 30_000);
    // A while longer than its Lease lasted.
    await sleep(5000);
    const [byFirst, bySecond] = [log.count("a"), log.count("b")];
    first.signal("SIGCONT");
    await eventually("the end of its term", () => said(first, "acting no more"), takeoverMs);
    await sleep(3000);
    await log.stop();
    expect(log.count("a")).toBe(byFirst);
    expect(log.count("b")).toBeGreaterThan(bySecond);
    // Once the second has begun, nothing more is the first one's.
    expect(log.writers.lastIndexOf("a")).toBeLessThan(log.writers.indexOf("b"));
    const holder = await second.run([...lease, "jsonpath={.spec.holderIdentity}"]);
    const own = second.log().find(({ msg }) => msg === "acting as the leader");
    expect(holder).toBe(own?.["identity"]);
  });
});
