/**
 * Runs in the virtual machine: brings a cluster's Services into the kernel by one of the ways of guest_systems.ts, and
 * prints what that took the processor, as JSON. The machine's clock counts instructions, and so does its processor time.
 *
 *     node guest.js SYSTEM SERVICES ENDPOINTS CHANGES WARM-UP BATCH
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { native } from "../../../src/kernel/native.ts";
import { Cleanup } from "../../driver.ts";
import { guestSystems, prepare, shellOf, type Prepared } from "./guest_systems.ts";

export interface GuestResult {
  /** Instructions of all Services into an empty namespace, in millions. */
  readonly load: number;
  /** Instructions of one change, in thousands; 0 where that was not asked. */
  readonly change: number;
  /** How many pairs of a frontend and a backend there were after the load, and a sum of them. */
  readonly outcome: string;
}

export interface Changes {
  /** Those that count. */
  readonly changes: number;
  /** Before them: code is compiled, and the kernel has what it keeps of deleted destinations. */
  readonly warmUp: number;
  /** Counted together. */
  readonly batch: number;
}

const namespacePath = "/run/netns/ipvs";
const group = "/sys/fs/cgroup/measured";

/** Microseconds of processor time of ours and of programs that we ran, which the machine's clock makes thousands of instructions. */
function cpu(): number {
  return Number(/^usage_usec (\d+)$/m.exec(readFileSync(`${group}/cpu.stat`, "utf8"))![1]);
}

async function measure(system: Prepared, services: number, changes: Changes): Promise<GuestResult> {
  const before = cpu();
  await system.load();
  const load = (cpu() - before) / 1000;
  const balanced = system.balanced();
  const sum = createHash("sha256").update(balanced.join("\n")).digest("hex").slice(0, 16);
  return { load, outcome: `${balanced.length} pairs, ${sum}`, change: await leastChange(system, services, changes) };
}

/** One change of the Services in turn: the batch that took least, for timers and threads add to a batch. */
async function leastChange(system: Prepared, services: number, { changes, warmUp, batch }: Changes): Promise<number> {
  const counts: number[] = [];
  if (changes === 0) return 0;
  for (let done = -warmUp; done < changes; done += batch) {
    const before = cpu();
    for (let k = 0; k < batch; k++) {
      const turn = done + warmUp + k;
      await system.change(turn % services, Math.floor(turn / services));
    }
    if (done >= 0) counts.push((cpu() - before) / batch);
  }
  return Math.min(...counts);
}

async function main([name = "", ...numbers]: readonly string[]): Promise<void> {
  const [services = 0, endpoints = 0, changes = 0, warmUp = 0, batch = 1] = numbers.map(Number);
  const system = guestSystems.find((one) => one === name);
  if (!system) throw new TypeError(`${name} is none of ${guestSystems.join(", ")}`);
  mkdirSync(group);
  writeFileSync(`${group}/cgroup.procs`, String(process.pid));
  const cleanup = new Cleanup();
  const namespace = await native().createNamedNamespace(namespacePath);
  cleanup.add(() => namespace.close());
  const shell = shellOf(namespacePath);
  shell("ip link set lo up");
  const prepared = await prepare(system, { services, endpoints }, namespace, shell, cleanup);
  process.stdout.write(JSON.stringify(await measure(prepared, services, { changes, warmUp, batch })));
  await cleanup.run();
}

await main(process.argv.slice(2));
