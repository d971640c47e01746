/** From pods of older templates to the present one (pkg/controller/daemon/update.go rollingUpdate). Pure. */
import type { DaemonSet, Node, Pod } from "../../../model/kubernetes.ts";
import { scaled } from "../int_or_percent.ts";
import { isAvailable } from "../pods/state.ts";
import type { NodeRule } from "./nodes.ts";
import { isUpdated, type PodsByNode } from "./pods.ts";
import type { Changes } from "./steps.ts";

export interface RollingInput {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  readonly pods: PodsByNode;
  readonly rule: NodeRule;
  readonly hash: string;
}

/** The live pods of a node; undefined where there are several of a kind, which are cleaned up first. */
interface Place {
  readonly node: string;
  readonly shouldRun: boolean;
  readonly pods: { readonly fresh: Pod | undefined; readonly old: Pod | undefined } | undefined;
}

export function rollingUpdate(input: RollingInput, nowMs: number): Changes {
  const { places, desired } = placesOf(input);
  const { maxSurge, maxUnavailable } = input.set.spec.updateStrategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge, desired, true);
  const unavailable = scaled(maxUnavailable, desired, true);
  const isUp = (pod: Pod): boolean => isAvailable(pod, input.set.spec.minReadySeconds, nowMs);
  if (surge > 0) return surging(places, surge, desired, isUp);
  // A server that lets both be nothing would never be done.
  return replacing(places, desired > 0 && unavailable === 0 ? 1 : unavailable, isUp);
}

/** Nodes that should run a pod, and those that have one. */
function placesOf({ set, nodes, pods, rule, hash }: RollingInput): { places: readonly Place[]; desired: number } {
  const should = new Set(nodes.filter((node) => rule(node).shouldRun).map(({ metadata }) => metadata.name));
  const names = new Set([...should, ...pods.keys()]);
  const places = [...names].map((node) => ({
    node,
    shouldRun: should.has(node),
    pods: sortOut(set, pods.get(node) ?? [], hash),
  }));
  return { places, desired: should.size };
}

function sortOut(set: DaemonSet, there: readonly Pod[], hash: string): Place["pods"] {
  const alive = there.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const fresh = alive.filter((pod) => isUpdated(pod, set, hash));
  const old = alive.filter((pod) => !fresh.includes(pod));
  return fresh.length > 1 || old.length > 1 ? undefined : { fresh: fresh[0], old: old[0] };
}

type IsUp = (pod: Pod) => boolean;

/** Old pods that are not available go at once, of the others as many as may lack. */
function replacing(places: readonly Place[], maxUnavailable: number, isUp: IsUp): Changes {
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  let unavailable = 0;
  for (const { pods } of places) {
    const { fresh, old } = pods ?? {};
    if (!old || fresh) {
      if (!fresh || old || !isUp(fresh)) unavailable++;
    } else if (isUp(old)) candidates.push(old);
    else {
      broken.push(old);
      unavailable++;
    }
  }
  return { nodes: [], pods: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] };
}

/** A new pod beside the old one on so many nodes at a time; the old one goes when the new one is available. */
function surging(places: readonly Place[], maxSurge: number, desired: number, isUp: IsUp): Changes {
  const pods: Pod[] = [];
  const leaving: Pod[] = [];
  const broken: string[] = [];
  const candidates: string[] = [];
  let surged = 0;
  let available = 0;
  for (const { node, shouldRun, pods: there } of places) {
    if (!there) {
      surged++;
      continue;
    }
    const { fresh, old } = there;
    const oldIsUp = old !== undefined && isUp(old);
    if (old ? oldIsUp : fresh && isUp(fresh)) available++;
    if (!old) continue;
    if (fresh) {
      if (isUp(fresh)) pods.push(old);
      else surged++;
    } else if (!shouldRun) (oldIsUp ? leaving : pods).push(old);
    else (oldIsUp ? candidates : broken).push(node);
  }
  // Where the set leaves a node, its pod stays until another elsewhere takes its place.
  pods.push(...leaving.slice(0, Math.max(0, available - desired)));
  return { nodes: [...broken, ...candidates.slice(0, Math.max(0, maxSurge - surged))], pods };
}
