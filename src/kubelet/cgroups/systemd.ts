/**
 * Slices where systemd keeps the control groups: it is told of each (org.freedesktop.systemd1(5)), or it would set them
 * back by its own book at the next reload.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { CgroupLimits } from "./limits.ts";
import { literalName, type CgroupName } from "./names.ts";
import { weightOf, type CgroupVersion } from "./render.ts";

const run = promisify(execFile);
const timeoutMs = 10_000;

export interface SliceMaker {
  make(name: CgroupName, limits: CgroupLimits): Promise<void>;
  remove(name: CgroupName): Promise<void>;
}

/** @param call a method of systemd's manager, with busctl's words for its arguments */
export function systemdSlices(
  version: CgroupVersion,
  call: (args: readonly string[]) => Promise<void> = busctl,
): SliceMaker {
  return {
    async make(name, limits) {
      const unit = unitOf(name);
      const properties = sliceProperties(limits, version);
      await call([
        "StartTransientUnit",
        "ssa(sv)a(sa(sv))",
        unit,
        "replace",
        ...counted([...fixed(name), ...properties]),
        "0",
      ]).catch(async (error: unknown) => {
        if (!String(error).includes("already")) throw error;
        if (properties.length > 0) await call(["SetUnitProperties", "sba(sv)", unit, "true", ...counted(properties)]);
      });
    },
    async remove(name) {
      // One that is not loaded is gone.
      await call(["StopUnit", "ss", unitOf(name), "replace"]).catch((error: unknown) => {
        if (!String(error).includes("not loaded")) throw error;
      });
    },
  };
}

async function busctl(args: readonly string[]): Promise<void> {
  const manager = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"];
  await run("busctl", ["--system", "--quiet", "call", ...manager, ...args], { timeout: timeoutMs });
}

/** "kubepods-burstable-pod….slice": where it is follows from its name. */
function unitOf(name: CgroupName): string {
  return literalName(name, "systemd").split("/").at(-1)!;
}

type Property = readonly [name: string, ...signatureAndValue: string[]];

function counted(properties: readonly Property[]): readonly string[] {
  return [String(properties.length), ...properties.flat()];
}

/** As libcontainer's (cgroups/systemd): a slice is kept by what wants the one above it. */
function fixed(name: CgroupName): readonly Property[] {
  const above = name.length > 1 ? unitOf(name.slice(0, -1)) : "-.slice";
  return [
    ["Description", "s", `libcontainer container ${unitOf(name)}`],
    ["Wants", "as", "1", above],
    ["DefaultDependencies", "b", "false"],
    ...["CPUAccounting", "MemoryAccounting", "TasksAccounting"].map((one): Property => [one, "b", "true"]),
  ];
}

function sliceProperties(limits: CgroupLimits, version: CgroupVersion): readonly Property[] {
  const { cpuShares, cpuQuotaUs, cpuPeriodUs = 100_000, memoryBytes, pids } = limits;
  const number = (name: string, value: number | bigint): Property => [name, "t", String(value)];
  const shares = (value: number): Property =>
    version === 1 ? number("CPUShares", value) : number("CPUWeight", weightOf(value));
  return [
    ...(cpuShares === undefined ? [] : [shares(cpuShares)]),
    ...(cpuQuotaUs === undefined ? [] : [number("CPUQuotaPerSecUSec", quotaPerSecond(cpuQuotaUs, cpuPeriodUs))]),
    ...(memoryBytes === undefined ? [] : [number(version === 1 ? "MemoryLimit" : "MemoryMax", orMost(memoryBytes))]),
    ...(pids === undefined ? [] : [number("TasksMax", orMost(pids))]),
  ];
}

const most = 2n ** 64n - 1n;

function orMost(value: number): number | bigint {
  return value < 0 ? most : value;
}

/** systemd keeps whole percents of a CPU: rounded up to 10 ms a second, as libcontainer does. */
function quotaPerSecond(quotaUs: number, periodUs: number): number | bigint {
  if (quotaUs < 0) return most;
  return Math.ceil(Math.floor((quotaUs * 1_000_000) / periodUs) / 10_000) * 10_000;
}
