/** Cluster DNS as a process, asked by another one, over UDP on loopback. */
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { adminClient, type AdminClient } from "../../../test/fixtures/admin_client.ts";
import { freePort } from "../../../test/fixtures/etcd.ts";
import { eventually } from "../../../test/fixtures/eventually.ts";
import { environment, launcher, startServerProcess } from "../../../test/fixtures/fairlead_server.ts";
import type { Cleanup, Driver, Measurement } from "../../driver.ts";
import { cpuMs, end } from "../api/processes.ts";
import { askFor } from "./ask.ts";
import { addressOf, serviceOf, sliceOf } from "./content.ts";

export interface DnsParameters {
  readonly [name: string]: number;
  /** Services, each with a ClusterIP and one EndpointSlice of four endpoints. */
  readonly services: number;
  readonly loadMs: number;
  /** Questions under way at one time. */
  readonly window: number;
  /** Changes of an endpoint whose time is taken. */
  readonly changes: number;
}

const run = promisify(execFile);
const loader = path.resolve("dist/bench/drivers/dns/load.js");
const where = "/api/v1/namespaces/default/services";
const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

interface RunningDns {
  readonly api: AdminClient;
  readonly pid: number;
  readonly port: number;
}

export const fairleadDns: Driver<DnsParameters> = {
  name: "fairlead dns",
  what: "UDP, names that are there; the load is another process; changes are written to fairlead server",
  async prepare({ services, loadMs, window, changes }, cleanup) {
    const dns = await start(services, cleanup);
    return async () => {
      const before = cpuMs(dns.pid);
      const { stdout } = await run(process.execPath, [loader, ...[dns.port, services, loadMs, window].map(String)]);
      const { answers, wrong } = JSON.parse(stdout) as { answers: number; wrong: number };
      if (wrong > 0) throw new Error(`${wrong} answers are not what was asked for`);
      const cpu = cpuMs(dns.pid) - before;
      const changed = await changeTimes(dns, changes);
      return measured({ answers, cpu, loadMs, changed });
    };
  },
};

interface Seen {
  readonly answers: number;
  readonly cpu: number;
  readonly loadMs: number;
  /** Sorted, in ms. */
  readonly changed: readonly number[];
}

function measured({ answers, cpu, loadMs, changed }: Seen): Measurement {
  return {
    figures: {
      "per core": { value: answers / (cpu / 1000), unit: "1/s" },
      rate: { value: answers / (loadMs / 1000), unit: "1/s" },
      change: { value: changed[Math.floor(changed.length / 2)]!, unit: "ms" },
      "change max": { value: changed.at(-1)!, unit: "ms" },
    },
  };
}

async function start(services: number, cleanup: Cleanup): Promise<RunningDns> {
  const folder = mkdtempSync(path.join(tmpdir(), "fairlead-bench-dns-"));
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
  const server = await startServerProcess(folder, ["--secure-port", "0", "--controllers=", "--disable-scheduler"]);
  cleanup.add(() => end(server.child));
  const api = adminClient(server.kubeconfig);
  cleanup.add(() => api.close());
  for (let from = 0; from < services; from += 50) {
    const some = Array.from({ length: Math.min(50, services - from) }, (_, i) => from + i);
    await Promise.all(some.map((i) => create(api, where, serviceOf(i))));
    await Promise.all(some.map((i) => create(api, slices, sliceOf(i))));
  }
  const [port, metrics] = [await freePort(), await freePort()];
  const flags = ["--kubeconfig", server.kubeconfig, "--port", String(port)];
  const words = ["dns", ...flags, "--metrics-bind-address", `127.0.0.1:${metrics}`];
  const child = spawn(launcher, words, { env: environment, stdio: "ignore" });
  cleanup.add(() => end(child));
  const isReady = async (): Promise<boolean> =>
    (await fetch(`http://127.0.0.1:${metrics}/ready`).catch(() => undefined))?.ok ?? false;
  await eventually("readiness", isReady, 30_000);
  return { api, pid: child.pid!, port };
}

async function create(api: AdminClient, where: string, object: object): Promise<void> {
  const answer = await api.request("POST", where, object);
  if (answer.code !== 201) throw new Error(`cannot create: ${JSON.stringify(answer.body)}`);
}

/** From the start of a write to the API until the answer has what was written, each. */
async function changeTimes({ api, port }: RunningDns, changes: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let i = 0; i < changes; i++) {
    const address = addressOf(i % 200, 200 + (i % 50));
    const body = [{ op: "replace", path: "/endpoints/0/addresses/0", value: address }];
    const began = performance.now();
    const written = api.request("PATCH", `${slices}/svc-0`, body, { "content-type": "application/json-patch+json" });
    await askFor(port, "svc-0.default.svc.cluster.local", address, 5000);
    times.push(performance.now() - began);
    const code = (await written).code;
    if (code !== 200) throw new Error(`the write was answered with ${code}`);
    await sleep(20);
  }
  return times.sort((a, b) => a - b);
}
