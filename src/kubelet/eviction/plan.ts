/** What is short, since when, and what is to be done about it (pkg/kubelet/eviction, eviction_manager.go synchronize). */
import type { Pressure } from "../node/conditions.ts";
import { pressures as allPressures } from "../node/conditions.ts";
import { amountOf, pressureOf, resourceOf, type Observations, type Threshold } from "./signals.ts";

export interface EvictionState {
  /** Thresholds that are crossed: since when, in ms. */
  readonly crossedAtMs: ReadonlyMap<Threshold, number>;
  /** When each pressure was seen last. */
  readonly seenAtMs: ReadonlyMap<Pressure, number>;
  /** Those that are being dealt with: they are over only with their minimum reclaim on top. */
  readonly dealtWith: readonly Threshold[];
}

export const calm: EvictionState = { crossedAtMs: new Map(), seenAtMs: new Map(), dealtWith: [] };

export interface EvictionPlan {
  readonly state: EvictionState;
  readonly pressures: readonly Pressure[];
  /** Crossed for as long as their grace period says, the first to be dealt with first. */
  readonly starved: readonly Threshold[];
}

export function planEviction(
  before: EvictionState,
  thresholds: readonly Threshold[],
  observations: Observations,
  nowMs: number,
  transitionMs: number,
): EvictionPlan {
  const now = crossed(thresholds, observations, false);
  const still = crossed(before.dealtWith, observations, true);
  const all = [...now, ...still.filter((threshold) => !now.includes(threshold))];
  const crossedAtMs = new Map(all.map((one) => [one, before.crossedAtMs.get(one) ?? nowMs]));
  const seenAtMs = new Map([...before.seenAtMs, ...all.map(({ signal }) => [pressureOf(signal), nowMs] as const)]);
  const due = all.filter((one) => nowMs - crossedAtMs.get(one)! >= one.graceMs);
  return {
    state: { crossedAtMs, seenAtMs, dealtWith: due },
    pressures: allPressures.filter((one) => seenAtMs.has(one) && nowMs - seenAtMs.get(one)! < transitionMs),
    starved: due.toSorted((a, b) => rankOf(a) - rankOf(b)),
  };
}

/** @param withReclaim what must be free beyond the threshold counts too */
export function crossed(
  thresholds: readonly Threshold[],
  observations: Observations,
  withReclaim: boolean,
): readonly Threshold[] {
  return thresholds.filter(({ signal, value, minReclaim }) => {
    const seen = observations.get(signal);
    if (!seen) return false;
    const more = withReclaim && minReclaim !== undefined ? amountOf(minReclaim, seen.capacity) : 0;
    return amountOf(value, seen.capacity) + more > seen.available;
  });
}

/** Memory before all else: it is gone the fastest. */
function rankOf({ signal }: Threshold): number {
  return resourceOf(signal) === "memory" ? 0 : 1;
}
