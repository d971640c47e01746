/** What a node may run out of: eviction signals, their conditions and resources (pkg/kubelet/eviction). */
import type { KubeletConfiguration } from "../../config/kubelet.ts";
import { nanos } from "../../model/quantity.ts";
import type { Pressure } from "../node/conditions.ts";

export type Signal = keyof NonNullable<KubeletConfiguration["evictionHard"]>;

export type StarvedResource = "memory" | "ephemeral-storage" | "inodes" | "pids";

export function pressureOf(signal: Signal): Pressure {
  if (resourceOf(signal) === "memory") return "MemoryPressure";
  return signal === "pid.available" ? "PIDPressure" : "DiskPressure";
}

export function resourceOf(signal: Signal): StarvedResource {
  if (signal === "memory.available" || signal === "allocatableMemory.available") return "memory";
  if (signal === "pid.available") return "pids";
  return signal.endsWith(".inodesFree") ? "inodes" : "ephemeral-storage";
}

export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

export type Observations = ReadonlyMap<Signal, Observation>;

/** Of a whole: "10%", "100Mi". */
export interface Threshold {
  readonly signal: Signal;
  readonly value: string;
  /** 0: hard. */
  readonly graceMs: number;
  /** What must be free beyond it before it is over. */
  readonly minReclaim: string | undefined;
}

export type ThresholdConfig = Pick<
  KubeletConfiguration,
  "evictionHard" | "evictionSoft" | "evictionSoftGracePeriod" | "evictionMinimumReclaim" | "enforceNodeAllocatable"
>;

export function thresholdsOf(
  config: ThresholdConfig,
  hard: Readonly<Partial<Record<Signal, string>>>,
): readonly Threshold[] {
  const { evictionMinimumReclaim: reclaims, evictionSoftGracePeriod: graces, evictionSoft: soft } = config;
  const list = (values: Readonly<Partial<Record<Signal, string>>>, graceOf: (signal: Signal) => number): Threshold[] =>
    (Object.entries(values) as [Signal, string][])
      // Upstream's way of turning one off.
      .filter(([, value]) => value !== "0%" && value !== "100%")
      .map(([signal, value]) => ({ signal, value, graceMs: graceOf(signal), minReclaim: reclaims[signal] }));
  const all = [...list(hard, () => 0), ...list(soft, (signal) => graces[signal] ?? 0)];
  const ofPods = config.enforceNodeAllocatable.includes("pods")
    ? all.filter(({ signal, graceMs }) => signal === "memory.available" && graceMs === 0)
    : [];
  return [...all, ...ofPods.map((threshold) => ({ ...threshold, signal: "allocatableMemory.available" as const }))];
}

/** In the signal's units. */
export function amountOf(value: string, capacity: number): number {
  if (value.endsWith("%")) return Math.floor((capacity * Number(value.slice(0, -1))) / 100);
  return Number(nanos(value)) / 1e9;
}
