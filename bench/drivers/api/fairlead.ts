/** `fairlead server` in a process of its own, on its embedded store or on etcd. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { Cleanup } from "../../driver.ts";
import { missingProgram, scratchFolder } from "../../namespace.ts";
import { freePort } from "../../../test/fixtures/etcd.ts";
import { startEtcdProcess } from "./etcd.ts";
import { compiled } from "./loader.ts";
import { end, endsEarly } from "./processes.ts";
import { ready } from "./ready.ts";
import type { ApiSystem, LoopDelay, RunningApi, Target } from "./system.ts";

export const fairlead: ApiSystem = {
  name: "fairlead",
  what: "our server over TLS on its embedded store",
  start: (cleanup) => startFairlead(cleanup, { flags: apiAlone }),
};

export const fairleadWhole: ApiSystem = {
  name: "fairlead, whole",
  what: "our server with its controllers and scheduler on its embedded store",
  start: (cleanup) => startFairlead(cleanup, { flags: [] }),
};

export const fairleadOnEtcd: ApiSystem = {
  name: "fairlead on etcd",
  what: "our server over TLS on Debian's etcd, or the one that ETCD names",
  missing: () => (process.env["ETCD"] === undefined ? missingProgram("etcd") : undefined),
  start: async (cleanup) => {
    const etcd = await startEtcdProcess(process.env["ETCD"] ?? "etcd", cleanup);
    return startFairlead(cleanup, { etcd, flags: apiAlone });
  },
};

/** As the rival, whose controllers are another program. */
const apiAlone = ["--controllers=", "--disable-scheduler"];

interface FairleadOptions {
  readonly etcd?: { readonly endpoint: string; readonly pid: number };
  readonly flags: readonly string[];
}

export async function startFairlead(cleanup: Cleanup, { etcd, flags }: FairleadOptions): Promise<RunningApi> {
  const folder = scratchFolder(cleanup);
  const port = await freePort();
  const started = performance.now();
  // By its launcher, which says what node is to be told.
  const child = spawn(file("../../../../fairlead"), [...commandLine(folder, port, etcd?.endpoint), ...flags], {
    env: { ...process.env, FAIRLEAD_SKIP_SETUP: "1", NODE_OPTIONS: `--import=${file("loop_probe.js")}` },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  cleanup.add(() => end(child));
  const kubeconfig = path.join(folder, "admin.kubeconfig");
  const target = () => (existsSync(kubeconfig) ? credentials(kubeconfig, port) : undefined);
  const readyMs = await Promise.race([ready(target, started), endsEarly(child, "our server")]);
  return {
    target: target()!,
    readyMs,
    pids: { server: child.pid!, ...(etcd ? { store: etcd.pid } : {}) },
    loopDelay: () => askLoopDelay(child),
  };
}

/** The bounds of requests under way are off: one machine sends everything, and its share is not what is measured. */
function commandLine(folder: string, port: number, etcd: string | undefined): string[] {
  return [
    "server",
    `--data-dir=${folder}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    "--max-requests-inflight=0",
    "--max-mutating-requests-inflight=0",
    ...(etcd === undefined ? [] : [`--etcd-servers=${etcd}`]),
  ];
}

function file(name: string): string {
  return fileURLToPath(new URL(name, compiled(import.meta.url)));
}

function askLoopDelay(child: ChildProcess): Promise<LoopDelay> {
  const answered = new Promise<LoopDelay>((resolve) => child.once("message", resolve));
  child.send("loop delay");
  return answered;
}

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: { readonly "certificate-authority-data": string } }];
  readonly users: readonly [
    { readonly user: { readonly "client-certificate-data": string; readonly "client-key-data": string } },
  ];
}

function credentials(kubeconfig: string, port: number): Target {
  const { clusters, users } = parse(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
  const text = (base64: string): string => Buffer.from(base64, "base64").toString();
  const { user } = users[0];
  return {
    port,
    ca: text(clusters[0].cluster["certificate-authority-data"]),
    cert: text(user["client-certificate-data"]),
    key: text(user["client-key-data"]),
  };
}
