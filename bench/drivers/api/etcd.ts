/** An etcd of one member on loopback, in a folder of its own: Debian's, or the one that ETCD names. */
import type { Cleanup } from "../../driver.ts";
import { scratchFolder } from "../../namespace.ts";
import { etcdIsHealthy, freePort, spawnEtcd } from "../../../test/fixtures/etcd.ts";
import { end, endsEarly } from "./processes.ts";

export interface EtcdProcess {
  readonly endpoint: string;
  readonly pid: number;
}

export async function startEtcdProcess(program: string, cleanup: Cleanup): Promise<EtcdProcess> {
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const child = spawnEtcd(program, { folder: scratchFolder(cleanup), client, peer });
  cleanup.add(() => end(child));
  await Promise.race([etcdIsHealthy(client), endsEarly(child, program)]);
  return { endpoint: client, pid: child.pid! };
}
