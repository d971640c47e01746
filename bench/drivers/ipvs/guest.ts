/**
 * Runs in the virtual machine: brings a cluster's Services into IPVS, by our port or by ipvsadm, and prints what that took
 * the processor, as JSON. The machine's clock counts instructions, and so does its processor time.
 *
 *     node guest.js fairlead|ipvsadm SERVICES ENDPOINTS CHANGES
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { native } from "../../../src/kernel/native.ts";
import type { IpvsStep } from "../../../src/kernel/netlink/ipvs/step.ts";
import type { IpvsPort } from "../../../src/kernel/ports.ts";
import { openIpvs } from "../../../src/kernel/real/ipvs.ts";
import { changeOf, restoreText, stepsOf } from "./content.ts";

export interface GuestResult {
  /** Instructions of all Services into an empty namespace, in millions. */
  readonly load: number;
  /** Instructions of one change, in thousands; 0 where that was not asked. */
  readonly change: number;
  /** A sum of what ipvsadm --save writes. */
  readonly outcome: string;
}

const path = "/run/netns/ipvs";
/** Changes before those that count: code is compiled, and the kernel has what it keeps of deleted destinations. */
const warmUp = 300;
const batch = 20;

function sh(script: string): string {
  return execFileSync("nsenter", [`--net=${path}`, "bash", "-ec", script], { encoding: "utf8" });
}

/** Microseconds of processor time of all our threads, which the machine's clock makes thousands of instructions. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function apply(port: IpvsPort, steps: readonly IpvsStep[]): Promise<void> {
  const failed = (await port.apply(steps)).find((error) => error !== null);
  if (failed) throw failed;
}

async function measure(port: IpvsPort, driver: string, [services, endpoints, changes]: readonly number[]) {
  const parameters = { services: services!, endpoints: endpoints! };
  const load = driver === "fairlead" ? await byPort(port, stepsOf(parameters)) : byProgram(restoreText(parameters));
  const outcome = sh("ipvsadm --save --numeric | sort | sha256sum").slice(0, 16);
  return { load, outcome, change: await leastChange(port, parameters.services, changes!) };
}

async function byPort(port: IpvsPort, steps: readonly IpvsStep[]): Promise<number> {
  const before = cpu();
  await apply(port, steps);
  return (cpu() - before) / 1000;
}

function byProgram(text: string): number {
  writeFileSync("/dev/shm/services", text);
  const [user, system] = sh("TIMEFORMAT='%U %S'; { time ipvsadm --restore < /dev/shm/services; } 2>&1").split(" ");
  return (Number(user) + Number(system)) * 1000;
}

/** One change of the Services in turn: the batch that took least, for timers and threads add to a batch. */
async function leastChange(port: IpvsPort, services: number, changes: number): Promise<number> {
  const counts: number[] = [];
  for (let done = -warmUp; done < changes; done += batch) {
    const before = cpu();
    for (let k = 0; k < batch; k++) {
      const turn = done + warmUp + k;
      await apply(port, changeOf(turn % services, Math.floor(turn / services)));
    }
    if (done >= 0) counts.push((cpu() - before) / batch);
  }
  return counts.length === 0 ? 0 : Math.min(...counts);
}

const [driver = "", ...numbers] = process.argv.slice(2);
const namespace = await native().createNamedNamespace(path);
sh("ip link set lo up");
const port = await openIpvs({ namespace });
if (!port) throw new Error("this kernel has no IPVS");
const result: GuestResult = await measure(port, driver, numbers.map(Number));
process.stdout.write(JSON.stringify(result));
port.close();
namespace.close();
