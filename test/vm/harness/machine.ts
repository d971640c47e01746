/** What the virtual machine is: which kernel, how large, and what its clock counts. */

export type KernelSeries = "6.12" | "6.1";

export interface Machine {
  readonly kernel: KernelSeries;
  readonly memoryMiB: number;
  readonly cpus: number;
  /**
   * `wall`: as fast as emulation goes, every module loaded, started from a snapshot.
   * `instructions`: one processor whose clock advances one nanosecond per executed instruction, booted anew.
   */
  readonly clock: "wall" | "instructions";
}

export const kernelSeries: readonly KernelSeries[] = ["6.12", "6.1"];

/** The machine that tests get, as the environment asks: FAIRLEAD_VM_KERNEL, _MEMORY_MIB, _CPUS. */
export function defaultMachine(env: NodeJS.ProcessEnv = process.env): Machine {
  return {
    kernel: parseKernelSeries(env["FAIRLEAD_VM_KERNEL"] ?? "6.12"),
    memoryMiB: Number(env["FAIRLEAD_VM_MEMORY_MIB"] ?? 2048),
    cpus: Number(env["FAIRLEAD_VM_CPUS"] ?? 2),
    clock: "wall",
  };
}

export function parseKernelSeries(text: string): KernelSeries {
  const found = kernelSeries.find((series) => series === text);
  if (found === undefined) throw new TypeError(`kernel "${text}" is none of ${kernelSeries.join(", ")}`);
  return found;
}
