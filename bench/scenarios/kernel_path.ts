import { direct, nftablesMap } from "../../test/vm/harness/instructions/scenarios.ts";
import { kernelPathDriver, type PathParameters } from "../drivers/kernel_path.ts";
import type { Scenario } from "../scenario.ts";

/** Guards the packet path without a clock: the counts repeat whatever else the host does. */
export const kernelPath: Scenario<PathParameters> = {
  name: "kernel-path",
  what: "instructions of the kernel per connection: destination NAT through a map, against a direct connection",
  figure: "instructions",
  better: "lower",
  parameters: { connections: 200, batches: 15 },
  drivers: [kernelPathDriver("nftables map", nftablesMap), kernelPathDriver("direct", direct)],
  compared: true,
  rounds: 2,
  warmUp: 0,
  precision: { kind: "repeatable", within: 0.01 },
  targets: [{ kind: "ratio", rival: "direct", atLeast: 0.83 }],
};
