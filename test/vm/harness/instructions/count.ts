/**
 * What a connection costs the kernel, in instructions.
 *
 * The machine's clock advances by its instructions (qemu's -icount), so its time stamp counter counts them: the
 * result does not depend on the host's speed or load. It is a count of instructions, not a time: it says nothing of
 * caches, of locks between processors, or of hardware.
 */
import { VmError } from "../error.ts";
import { defaultMachine, type KernelSeries } from "../machine.ts";
import { quote } from "../quote.ts";
import { runInVm } from "../run.ts";
import { ensureProgram } from "./program.ts";
import type { Scenario } from "./scenarios.ts";

export interface InstructionSpec extends Scenario {
  /** Connections in one batch. Default: 200. */
  readonly connections?: number;
  /** Batches that are counted; one more goes before them. Default: 15. */
  readonly batches?: number;
  /** Default: as FAIRLEAD_VM_KERNEL says. */
  readonly kernel?: KernelSeries | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface InstructionCount {
  readonly scenario: string;
  /** Version of the kernel whose path was counted. */
  readonly kernel: string;
  /** Instructions per connection, both ends and all between: connect, a byte each way, close. Median of the batches. */
  readonly instructionsPerConnection: number;
  /** The same of each batch, in the order they ran. */
  readonly batches: readonly number[];
  /** Connections in each batch. */
  readonly connections: number;
}

/** Counts the instructions of a connection through what the scenario's script set up. */
export async function countInstructions(spec: InstructionSpec): Promise<InstructionCount> {
  const { connections = 200, batches = 15 } = spec;
  const result = await runInVm({
    script: await renderScript(spec, connections, batches),
    machine: { clock: "instructions", cpus: 1, kernel: spec.kernel ?? defaultMachine().kernel },
    timeoutMs: spec.timeoutMs,
    signal: spec.signal,
  });
  if (result.exitCode !== 0) {
    const said = `${result.stdout}${result.stderr}`.trim();
    throw new VmError("WORKLOAD", `cannot count "${spec.name}": its script or workload failed in the guest: ${said}`);
  }
  const counts = JSON.parse(result.stdout) as number[];
  return {
    scenario: spec.name,
    kernel: result.kernel,
    instructionsPerConnection: median(counts),
    batches: counts,
    connections,
  };
}

async function renderScript(spec: InstructionSpec, connections: number, batches: number): Promise<string> {
  const { address, port } = spec.target;
  const ends = [spec.clientNamespace, spec.serverNamespace, address, port, spec.listenPort ?? port];
  const args = [...ends, connections, batches].map((word) => quote(String(word)));
  // In memory: no page of it is read from the host while it counts.
  // And the kernel's random numbers are seeded, as on any host: before, each of the dozen that a connection takes costs
  // it 2,000 instructions.
  return `head -c 1 /dev/random >/dev/null
cp ${quote(await ensureProgram())} /dev/shm/connections
sh -e >&2 <<'FAIRLEAD_SETUP' || exit
${spec.setup}
FAIRLEAD_SETUP
exec /dev/shm/connections ${args.join(" ")}
`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new RangeError("the median of no batches was asked for");
  return (low + high) / 2;
}
