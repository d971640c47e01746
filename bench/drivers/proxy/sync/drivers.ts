/** A proxy from its start to changes under load: against an API server that costs next to nothing, with real packets. */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cleanup, Driver, Figure, Measurement } from "../../../driver.ts";
import { percentile } from "../../cluster/load.ts";
import { cpuMs, programsCpuMs, residentMegabytes } from "../../api/processes.ts";
import { missingProgram } from "../../../namespace.ts";
import type { ProxyParameters } from "../content.ts";
import { FakeApi } from "./fake_api.ts";
import type { ModeParameters } from "./modes.ts";
import { groups, makeNetwork, type Network } from "./network.ts";
import { Probe } from "./probe.ts";
import { fairleadProxy, kubeProxy, startProxy, type ProxySystem } from "./systems.ts";

export type SyncParameters = ProxyParameters &
  ModeParameters & {
    /** Changes one by one, each waited for. */
    readonly changes: number;
    /** Changes a second, of other Services, while some are waited for. */
    readonly rate: number;
    readonly seconds: number;
    readonly probeUs: number;
  };

export const syncDrivers: readonly Driver<SyncParameters>[] = [fairleadProxy, kubeProxy].map(syncDriver);

function syncDriver(system: ProxySystem): Driver<SyncParameters> {
  return {
    name: system.name,
    what: system.what,
    missing: ({ mode, variant }) =>
      system.missing?.() ?? missingPart(mode, variant) ?? missingProgram("gcc") ?? missingProgram("openssl"),
    async prepare(parameters, cleanup) {
      const network = await makeNetwork(cleanup);
      const api = await FakeApi.start(network, parameters, cleanup);
      await api.target(groups[0]);
      return () => measure(system, network, api, parameters, cleanup);
    },
  };
}

function missingPart(mode: SyncParameters["mode"], variant: SyncParameters["variant"]): string | undefined {
  if (mode === "iptables") return missingProgram(`iptables-${variant}`);
  // Where it is a module the kernel has it once anybody has asked for the family.
  const hasIpvs = existsSync("/proc/net/ip_vs") || existsSync("/sys/module/ip_vs");
  return mode === "ipvs" && !hasIpvs ? "this kernel has no IPVS (modprobe ip_vs)" : undefined;
}

const firstSyncTimeoutMs = 600_000;
/** Of the iptables mode, with many Services and changes of all of them, a change may take minutes on a busy machine. */
const changeTimeoutMs = 300_000;
/** Rest before memory is read: a proxy that has just begun has not thrown anything away. */
const restMs = 3000;

async function measure(
  system: ProxySystem,
  network: Network,
  api: FakeApi,
  parameters: SyncParameters,
  cleanup: Cleanup,
): Promise<Measurement> {
  const proxy = await startProxy(system, parameters, network, api.kubeconfig, cleanup);
  const syncedAtMs = await proxy.programmed(parameters.services, firstSyncTimeoutMs);
  const syncCpu = cpuOf(proxy.pid);
  const synced = memory(proxy.pid);
  const probe = Probe.start(network, parameters.probeUs, cleanup);
  await probe.answeredBy(0, changeTimeoutMs);
  await sleep(restMs);
  const rest = memory(proxy.pid);
  const restCpu = cpuOf(proxy.pid);
  const paced = await changesOneByOne(api, probe, parameters.changes);
  const changesCpu = cpuOf(proxy.pid);
  const [under, made] = await Promise.all([
    changesUnderLoad(api, probe, parameters.seconds),
    api.change(parameters.rate, parameters.seconds),
  ]);
  const loadCpu = cpuOf(proxy.pid);
  const last = await changesOneByOne(api, probe, 1);
  return {
    figures: {
      "first sync": ms(syncedAtMs - proxy.startedAtMs),
      "first sync cpu": ms(syncCpu.own),
      "first sync cpu of programs": ms(syncCpu.programs),
      "change p50": ms(percentile(paced, 0.5)),
      "change p99": ms(percentile(paced, 0.99)),
      "change cpu": ms((changesCpu.own - restCpu.own) / parameters.changes),
      "change cpu of programs": ms((changesCpu.programs - restCpu.programs) / parameters.changes),
      "loaded p50": ms(percentile(under, 0.5)),
      "loaded p99": ms(percentile(under, 0.99)),
      "after load": ms(last[0]!),
      "changes under load": { value: made / parameters.seconds, unit: "1/s" },
      "load cpu": share(loadCpu.own - changesCpu.own, parameters),
      "load cpu of programs": share(loadCpu.programs - changesCpu.programs, parameters),
      "memory synced": megabytes(synced.now),
      "memory at rest": megabytes(rest.now),
      "memory at most": megabytes(memory(proxy.pid).most),
    },
    outcome: `${parameters.services} frontends, all changes seen`,
  };
}

/** @returns ms from the event to the first connection that goes to new endpoints, of each change */
async function changesOneByOne(api: FakeApi, probe: Probe, count: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let i = 0; i < count; i++) {
    latencies.push(await oneChange(api, probe));
    // Of no rhythm with anything.
    await sleep(10 + (i % 7));
  }
  return latencies;
}

async function changesUnderLoad(api: FakeApi, probe: Probe, seconds: number): Promise<number[]> {
  const until = performance.now() + seconds * 1000;
  const latencies: number[] = [];
  while (performance.now() < until) {
    await sleep(50);
    latencies.push(await oneChange(api, probe));
  }
  return latencies;
}

let current = 0;

async function oneChange(api: FakeApi, probe: Probe): Promise<number> {
  current = 1 - current;
  const sentAtMs = await api.target(groups[current]!);
  return (await probe.answeredBy(current, changeTimeoutMs)) - sentAtMs;
}

function memory(pid: number): { readonly now: number; readonly most: number } {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
  return { now: residentMegabytes(pid), most: (Number(kib) * 1024) / 1e6 };
}

/** What the proxy itself took, and what programs that it ran and that have ended: iptables-restore. */
function cpuOf(pid: number): { readonly own: number; readonly programs: number } {
  return { own: cpuMs(pid), programs: programsCpuMs(pid) };
}

function share(milliseconds: number, { seconds }: SyncParameters): Figure {
  return { value: milliseconds / (seconds * 10), unit: "% of a core" };
}

const ms = (value: number): Figure => ({ value, unit: "ms" });
const megabytes = (value: number): Figure => ({ value, unit: "MB" });
