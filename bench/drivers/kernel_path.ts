/** What a connection costs the kernel in instructions, counted in the deterministic virtual machine. */
import { countInstructions } from "../../test/vm/harness/instructions/count.ts";
import type { Scenario as KernelPath } from "../../test/vm/harness/instructions/scenarios.ts";
import type { Driver } from "../driver.ts";
import { missingProgram } from "../namespace.ts";

export type PathParameters = {
  /** Connections in one batch. */
  readonly connections: number;
  /** Batches that are counted; the figure is their median. */
  readonly batches: number;
};

/** A machine is started for each measurement and ends with it: nothing is to be cleaned up on this host. */
export function kernelPathDriver(name: string, path: KernelPath): Driver<PathParameters> {
  return {
    name,
    what: path.name,
    missing: () => missingProgram("qemu-system-x86_64"),
    prepare: async (parameters) => async () => {
      const count = await countInstructions({ ...path, ...parameters });
      return {
        figures: { instructions: { value: count.instructionsPerConnection, unit: "per connection" } },
        outcome: `${count.connections} connections in each of ${count.batches.length} batches, Linux ${count.kernel}`,
      };
    },
  };
}
