/** The rival: the kube-apiserver that KUBE_APISERVER names, on the etcd that ETCD names. */
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Cleanup } from "../../driver.ts";
import { scratchFolder } from "../../namespace.ts";
import { freePort } from "../../../test/fixtures/etcd.ts";
import { startEtcdProcess } from "./etcd.ts";
import { end, endsEarly } from "./processes.ts";
import { ready } from "./ready.ts";
import type { ApiSystem, RunningApi } from "./system.ts";

const token = "bench";

export const upstream: ApiSystem = {
  name: "kube-apiserver",
  what: "upstream's server over TLS on the etcd that ETCD names",
  missing: () => {
    const absent = ["KUBE_APISERVER", "ETCD"].filter((name) => !process.env[name]);
    return absent.length === 0 ? undefined : `${absent.join(" and ")} not set`;
  },
  async start(cleanup) {
    const etcd = await startEtcdProcess(process.env["ETCD"]!, cleanup);
    return startUpstream(etcd, cleanup);
  },
};

export async function startUpstream(etcd: { endpoint: string; pid: number }, cleanup: Cleanup): Promise<RunningApi> {
  const program = process.env["KUBE_APISERVER"]!;
  const folder = scratchFolder(cleanup);
  const [tokens, keys] = [path.join(folder, "tokens.csv"), path.join(folder, "sa.key")];
  writeFileSync(tokens, `${token},bench,bench,system:masters\n`);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(keys, privateKey.export({ type: "pkcs1", format: "pem" }));
  const port = await freePort();
  const started = performance.now();
  const child = spawn(
    program,
    [
      `--etcd-servers=${etcd.endpoint}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      `--secure-port=${port}`,
      `--cert-dir=${folder}`,
      `--token-auth-file=${tokens}`,
      "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
      `--service-account-key-file=${keys}`,
      `--service-account-signing-key-file=${keys}`,
      "--service-cluster-ip-range=10.96.0.0/16",
      "--authorization-mode=Node,RBAC",
      // One client machine sends everything: its share must not be what is measured.
      "--max-requests-inflight=4000",
      "--max-mutating-requests-inflight=2000",
    ],
    { stdio: "ignore" },
  );
  cleanup.add(() => end(child));
  const target = { port, token };
  const readyMs = await Promise.race([ready(() => target, started), endsEarly(child, program)]);
  return { target, readyMs, pids: { server: child.pid!, store: etcd.pid } };
}
