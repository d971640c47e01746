/** Whole control planes: API, controllers and scheduler, in processes of their own. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Cleanup } from "../../driver.ts";
import { scratchFolder } from "../../namespace.ts";
import { startEtcdProcess } from "../api/etcd.ts";
import { startFairlead } from "../api/fairlead.ts";
import { end } from "../api/processes.ts";
import type { LoopDelay, RunningApi, Target } from "../api/system.ts";
import { startUpstream } from "../api/upstream.ts";

export interface RunningCluster {
  /** Path of an administrator's. */
  readonly kubeconfig: string;
  /** Of all that is counted as the server: not of its store's process. */
  readonly pids: readonly number[];
  loopDelay?(): Promise<LoopDelay>;
}

export interface ClusterSystem {
  readonly name: string;
  readonly what: string;
  missing?(): string | undefined;
  start(cleanup: Cleanup): Promise<RunningCluster>;
}

export const fairleadCluster: ClusterSystem = {
  name: "fairlead",
  what: "fairlead server on its embedded store, controllers and scheduler within",
  async start(cleanup) {
    return running(await startFairlead(cleanup, { flags: [] }), [], cleanup);
  },
};

const programs = ["KUBE_APISERVER", "KUBE_CONTROLLER_MANAGER", "KUBE_SCHEDULER", "ETCD"] as const;

export const upstreamCluster: ClusterSystem = {
  name: "kubernetes",
  what: `upstream's programs, as ${programs.join(", ")} name them`,
  missing: () => {
    const absent = programs.filter((name) => !process.env[name]);
    return absent.length === 0 ? undefined : `${absent.join(" and ")} not set`;
  },
  async start(cleanup) {
    const api = await startUpstream(await startEtcdProcess(process.env["ETCD"]!, cleanup), cleanup);
    const kubeconfig = kubeconfigOf(api.target, cleanup);
    const common = [`--kubeconfig=${kubeconfig}`, "--leader-elect=false", "--secure-port=0"];
    // Its own bound of calls would be what is measured: kubemark's runs raise it too.
    const calls = ["--kube-api-qps=1000", "--kube-api-burst=2000"];
    const others = [process.env["KUBE_CONTROLLER_MANAGER"]!, process.env["KUBE_SCHEDULER"]!].map((program) => {
      const child = spawn(program, [...common, ...calls], { stdio: "ignore" });
      cleanup.add(() => end(child));
      return child.pid!;
    });
    return running(api, others, cleanup);
  },
};

function running(api: RunningApi, others: readonly number[], cleanup: Cleanup): RunningCluster {
  return {
    kubeconfig: kubeconfigOf(api.target, cleanup),
    pids: [api.pids.server, ...others],
    ...(api.loopDelay ? { loopDelay: () => api.loopDelay!() } : {}),
  };
}

function kubeconfigOf({ port, ca, cert, key, token }: Target, cleanup: Cleanup): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const cluster = {
    server: `https://127.0.0.1:${port}`,
    ...(ca === undefined ? { "insecure-skip-tls-verify": true } : { "certificate-authority-data": base64(ca) }),
  };
  const user = {
    ...(cert === undefined || key === undefined
      ? {}
      : { "client-certificate-data": base64(cert), "client-key-data": base64(key) }),
    ...(token === undefined ? {} : { token }),
  };
  const file = path.join(scratchFolder(cleanup), "kubeconfig");
  const text = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    "current-context": "c",
  });
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}
