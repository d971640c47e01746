/** An etcd of one member on loopback, in a folder of its own: Debian's, or the one that ETCD names. */
import { spawn } from "node:child_process";
import type { Cleanup } from "../../driver.ts";
import { scratchFolder } from "../../namespace.ts";
import { freePort } from "../../../test/fixtures/etcd.ts";
import { end, endsEarly } from "./processes.ts";

export interface EtcdProcess {
  readonly endpoint: string;
  readonly pid: number;
}

export async function startEtcdProcess(program: string, cleanup: Cleanup): Promise<EtcdProcess> {
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const child = spawn(
    program,
    [
      `--data-dir=${scratchFolder(cleanup)}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      "--log-level=error",
    ],
    { stdio: "ignore" },
  );
  cleanup.add(() => end(child));
  await Promise.race([healthy(client), endsEarly(child, program)]);
  return { endpoint: client, pid: child.pid! };
}

async function healthy(endpoint: string): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const answer = await fetch(`${endpoint}/health`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`etcd at ${endpoint} is not healthy after 30 s`);
}
