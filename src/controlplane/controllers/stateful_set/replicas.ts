/**
 * The pods that a StatefulSet should have and those that it has too many, one after the other or all at once
 * (pkg/controller/statefulset processReplica, processCondemned). Pure.
 */
import type { PersistentVolumeClaim, Pod, StatefulSet } from "../../../model/kubernetes.ts";
import { isAvailable } from "../pods/state.ts";
import {
  claimsOf,
  hasIdentity,
  isInRange,
  newReplica,
  ordinalOf,
  sizeOf,
  startOf,
  withIdentity,
  type Replica,
} from "./identity.ts";
import { isStale, sameOwners, wantedOwners } from "./retention.ts";
import type { Revisions } from "./revisions.ts";
import { hasEnded, isCreated, isHealthy, isLeaving, isUp } from "./status.ts";
import type { NewClaim, Step } from "./steps.ts";

export interface Places {
  readonly set: StatefulSet;
  /** One for each ordinal of the range. */
  readonly replicas: readonly Replica[];
  /** Beyond the range, the highest ordinal first. */
  readonly condemned: readonly Pod[];
  /** The lowest that is not running, ready and staying. */
  readonly firstUnhealthy: Pod | undefined;
  readonly claim: (name: string) => PersistentVolumeClaim | undefined;
}

/** Steps of one stage, and whether the next one has to wait. */
export interface StageResult {
  readonly steps: readonly Step[];
  readonly waits: boolean;
}

export function placesOf(set: StatefulSet, revisions: Revisions, pods: readonly Pod[], claim: Places["claim"]): Places {
  const start = startOf(set);
  const byOrdinal = new Map(pods.filter((pod) => isInRange(set, pod)).map((pod) => [ordinalOf(set, pod)!, pod]));
  const replicas = Array.from(
    { length: sizeOf(set) },
    (_, i) => byOrdinal.get(start + i) ?? missingReplica(set, revisions, start + i),
  );
  const condemned = pods
    .filter((pod) => !isInRange(set, pod) && ordinalOf(set, pod) !== undefined)
    .sort((a, b) => ordinalOf(set, b)! - ordinalOf(set, a)!);
  const firstUnhealthy = [...replicas, ...[...condemned].reverse()].find((pod) => !isHealthy(pod));
  return { set, replicas, condemned, firstUnhealthy, claim };
}

/** Below the partition pods are still made of the current revision. */
function missingReplica(set: StatefulSet, { current, update }: Revisions, ordinal: number): Replica {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  const kept = rollingUpdate ? (rollingUpdate.partition ?? 0) : (set.status?.currentReplicas ?? 0);
  const isCurrent = type === "RollingUpdate" && ordinal < startOf(set) + kept;
  const { name, template } = isCurrent ? current : update;
  return newReplica(set, template, name, ordinal);
}

export const isOrdered = ({ spec }: StatefulSet): boolean => spec.podManagementPolicy !== "Parallel";

const claimsOfPod = (set: StatefulSet, pod: Pod) => [...claimsOf(set, ordinalOf(set, pod)!).values()];

export function replicaStage(places: Places, nowMs: number): StageResult {
  const ordered = isOrdered(places.set);
  const steps: Step[] = [];
  for (const replica of places.replicas) {
    const { steps: more, waits } = processReplica(places, replica, nowMs);
    steps.push(...more);
    if (waits && ordered) return { steps, waits: true };
  }
  return { steps: together(steps), waits: false };
}

/** What need not wait for one another is done at once. */
function together(steps: readonly Step[]): readonly Step[] {
  const creations = steps.flatMap((step) => (step.kind === "create-pods" ? step.creations : []));
  const ended = steps.flatMap((step) => (step.kind === "delete-pods" ? step.pods : []));
  const others = steps.filter(({ kind }) => kind !== "create-pods" && kind !== "delete-pods");
  return [
    ...(ended.length === 0 ? [] : [{ kind: "delete-pods", pods: ended } as const]),
    ...others,
    ...(creations.length === 0 ? [] : [{ kind: "create-pods", creations } as const]),
  ];
}

function processReplica(places: Places, replica: Replica, nowMs: number): StageResult {
  const { set } = places;
  // The next of the name is made when this one is gone, whatever it ended with.
  if (hasEnded(replica)) {
    return { steps: isLeaving(replica) ? [] : [{ kind: "delete-pods", pods: [replica] }], waits: true };
  }
  if (!isCreated(replica)) return { steps: creation(places, replica), waits: true };
  const missing = replica.status?.phase === "Pending" ? missingClaims(places, replica) : [];
  const steps: Step[] = missing.length === 0 ? [] : [{ kind: "create-claims", pod: replica, claims: missing }];
  if (isOrdered(set)) {
    const isSettled = isHealthy(replica) && isAvailable(replica, set.spec.minReadySeconds, nowMs);
    if (!isSettled) return { steps, waits: true };
  }
  return { steps: [...steps, ...corrections(places, replica)], waits: false };
}

function creation(places: Places, pod: Replica): readonly Step[] {
  const { set, claim } = places;
  for (const { metadata } of claimsOfPod(set, pod)) {
    const existing = claim(metadata.name);
    if (!existing) continue;
    const isDeleted = existing.metadata.deletionTimestamp !== undefined;
    if (isDeleted || isStale(existing, pod)) return [{ kind: "wait-for-claim", pod, claim: metadata.name, isDeleted }];
  }
  return [{ kind: "create-pods", creations: [{ pod, claims: missingClaims(places, pod) }] }];
}

function missingClaims({ set, claim }: Places, pod: Pod): readonly NewClaim[] {
  return claimsOfPod(set, pod)
    .filter(({ metadata }) => !claim(metadata.name))
    .map((missing) => {
      const owners = wantedOwners({ metadata: { ...bare, ...missing.metadata } }, set, pod);
      return owners.length === 0 ? missing : { ...missing, metadata: { ...missing.metadata, ownerReferences: owners } };
    });
}

const bare = { uid: "", resourceVersion: "", creationTimestamp: "" };

/** Labels, volumes and claims' owners that are not as they should be. */
function corrections(places: Places, pod: Pod): readonly Step[] {
  const { set } = places;
  const ordinal = ordinalOf(set, pod)!;
  const owned = ownedClaims(places, pod);
  return hasIdentity(set, ordinal, pod)
    ? owned
    : [{ kind: "update-pod", pod: withIdentity(set, ordinal, pod) }, ...owned];
}

function ownedClaims({ set, claim }: Places, pod: Pod): readonly Step[] {
  return claimsOfPod(set, pod).flatMap(({ metadata }) => {
    const existing = claim(metadata.name);
    if (!existing) return [];
    const owners = wantedOwners(existing, set, pod);
    return sameOwners(owners, existing.metadata.ownerReferences ?? [])
      ? []
      : [{ kind: "own-claim", claim: existing, owners } as const];
  });
}

/** Claims first: a pod that is gone owns nothing any more. */
export function condemnedStage(places: Places, nowMs: number): StageResult {
  const { set, condemned, firstUnhealthy } = places;
  const steps: Step[] = condemned.flatMap((pod) => ownedClaims(places, pod));
  if (!isOrdered(set)) {
    const pods = condemned.filter((pod) => !isLeaving(pod));
    return { steps: pods.length === 0 ? steps : [...steps, { kind: "delete-pods", pods }], waits: false };
  }
  const [highest] = condemned;
  if (!highest) return { steps, waits: false };
  const isSettled = isUp(highest) && isAvailable(highest, set.spec.minReadySeconds, nowMs);
  const mayGo = !isLeaving(highest) && (isSettled || highest === firstUnhealthy);
  return { steps: mayGo ? [...steps, { kind: "delete-pods", pods: [highest] }] : steps, waits: true };
}
