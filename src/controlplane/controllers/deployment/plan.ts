/** What a deployment does next (pkg/controller/deployment syncDeployment). Pure. */
import type { Deployment, Pod, ReplicaSet } from "../../../model/kubernetes.ts";
import { hasProgressDeadline, historyLimit, isRolling, sizeOf } from "./bounds.ts";
import { conditionOf, find, withCondition, type Conditions, type DeploymentStatus } from "./conditions.ts";
import { byRevision, newSet, sortOut, type Sets } from "./replica_sets.ts";
import {
  missingAnnotations,
  newestAnnotations,
  nextRevision,
  revisionAnnotation,
  sizeAnnotations,
} from "./revisions.ts";
import { emptyOld, newestSize, oldPodsRun, rollingSteps } from "./rollout.ts";
import { isScaling, scalePlan } from "./scaling.ts";
import { checkProgressInMs, isComplete, rolloutStatus, sameStatus, statusOf } from "./status.ts";
import { resizeTo, type Step } from "./steps.ts";

export interface Observed {
  readonly deployment: Deployment;
  /** The deployment's own. */
  readonly replicaSets: readonly ReplicaSet[];
  /** Recreate: pods by their ReplicaSet's uid. */
  readonly pods: ReadonlyMap<string, readonly Pod[]>;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** To be written where it is not so already. */
  readonly status: DeploymentStatus;
  /** The deployment's revision, to be written with the status. */
  readonly revision?: string;
  readonly againAfterMs?: number;
}

/** What a stage of the reconciliation leads to. */
interface Stage {
  readonly sets: Sets;
  readonly steps: readonly Step[];
  readonly conditions: Conditions;
  readonly revision?: string;
  /** Whether this is a rollout, whose progress is watched. */
  readonly isRollout: boolean;
}

export function plan(observed: Observed, nowMs: number): Plan {
  const { deployment } = observed;
  const { steps, sets, conditions, revision, isRollout } = stageOf(observed, nowMs);
  const status = isRollout
    ? rolloutStatus(deployment, sets, conditions, nowMs)
    : statusOf(deployment, sets, conditions, nowMs);
  const isWritten = sameStatus(deployment.status, status);
  const againAfterMs = isWritten && isRollout ? checkProgressInMs(deployment, status, nowMs) : undefined;
  return {
    steps,
    status,
    ...(revision === undefined ? {} : { revision }),
    ...(againAfterMs === undefined ? {} : { againAfterMs }),
  };
}

function stageOf(observed: Observed, nowMs: number): Stage {
  const { deployment, replicaSets } = observed;
  const sets = sortOut(deployment, replicaSets);
  const before = deployment.status?.conditions ?? [];
  const found = syncNewest(deployment, sets, before, nowMs);
  if (deployment.metadata.deletionTimestamp !== undefined) return { ...found, isRollout: false };
  const stage = { ...found, conditions: pausedCondition(deployment, found.conditions, nowMs) };
  const steps = (...more: readonly Step[]): readonly Step[] => [...stage.steps, ...more];
  if (deployment.spec.paused) {
    return { ...stage, steps: steps(...scalePlan(deployment, sets), ...cleanUp(deployment, sets)), isRollout: false };
  }
  if (isScaling(deployment, sets)) return { ...stage, steps: steps(...scalePlan(deployment, sets)), isRollout: false };
  return isRolling(deployment) ? rolling(observed, stage, nowMs) : recreate(observed, stage, nowMs);
}

type Found = Omit<Stage, "isRollout">;

/** The new ReplicaSet that is there carries the revision and the deployment's annotations. */
function syncNewest(deployment: Deployment, sets: Sets, before: Conditions, nowMs: number): Found {
  const { newest, old } = sets;
  if (!newest) return { sets, steps: [], conditions: before };
  const wanted = newestAnnotations(deployment, newest.metadata.annotations ?? {}, nextRevision(old));
  const annotations = missingAnnotations(newest, wanted);
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const isLate = (newest.spec.minReadySeconds ?? 0) !== minReadySeconds;
  const update: Step = {
    kind: "update-replica-set",
    set: newest,
    ...(annotations ? { annotations } : {}),
    ...(isLate ? { minReadySeconds } : {}),
  };
  return {
    sets,
    steps: annotations || isLate ? [update] : [],
    conditions: foundCondition(deployment, newest, before, nowMs),
    ...(wanted[revisionAnnotation] === undefined ? {} : { revision: wanted[revisionAnnotation] }),
  };
}

/** Progress is counted from when the ReplicaSet was found, where nothing is known of it. */
function foundCondition(
  deployment: Deployment,
  { metadata }: ReplicaSet,
  before: Conditions,
  nowMs: number,
): Conditions {
  if (!hasProgressDeadline(deployment) || find(before, "Progressing")) return before;
  const message = `Found new replica set "${metadata.name}"`;
  return withCondition(before, conditionOf("Progressing", "True", "FoundNewReplicaSet", message, nowMs));
}

/** While a deployment is paused no progress is expected; a rollout that timed out is told of still. */
function pausedCondition({ spec, ...rest }: Deployment, before: Conditions, nowMs: number): Conditions {
  if (!hasProgressDeadline({ spec, ...rest })) return before;
  const reason = find(before, "Progressing")?.reason;
  if (reason === "ProgressDeadlineExceeded") return before;
  const unknown = (why: string, message: string): Conditions =>
    withCondition(before, conditionOf("Progressing", "Unknown", why, message, nowMs));
  if (spec.paused && reason !== "DeploymentPaused") return unknown("DeploymentPaused", "Deployment is paused");
  if (!spec.paused && reason === "DeploymentPaused") return unknown("DeploymentResumed", "Deployment is resumed");
  return before;
}

function rolling({ deployment }: Observed, found: Found, nowMs: number): Stage {
  const { sets, ...stage } = found.sets.newest ? found : create(deployment, found, nowMs);
  const { newest } = sets;
  const steps = newest ? rollingSteps(deployment, { ...sets, newest }) : [];
  const clean = steps.length === 0 ? cleanUpComplete(deployment, sets) : [];
  return { ...stage, sets, steps: [...stage.steps, ...steps, ...clean], isRollout: true };
}

function recreate({ deployment, pods }: Observed, found: Found, nowMs: number): Stage {
  const emptied = emptyOld(deployment, found.sets);
  if (emptied.length > 0) return { ...found, steps: [...found.steps, ...emptied], isRollout: true };
  if (oldPodsRun(found.sets, pods)) return { ...found, isRollout: true };
  if (!found.sets.newest) return { ...create(deployment, found, nowMs), isRollout: true };
  const grown = resizeTo(deployment, found.sets.newest, sizeOf(deployment));
  const clean = cleanUpComplete(deployment, found.sets);
  return { ...found, steps: [...found.steps, ...grown, ...clean], isRollout: true };
}

/** A ReplicaSet for the template that has none. */
function create(deployment: Deployment, found: Found, nowMs: number): Found {
  const { old } = found.sets;
  const revision = nextRevision(old);
  const annotations = { ...newestAnnotations(deployment, {}, revision), ...sizeAnnotations(deployment) };
  const set = newSet(deployment, newestSize(deployment, old, 0), annotations);
  const message = `Created new replica set "${set.metadata.name}"`;
  const created = conditionOf("Progressing", "True", "NewReplicaSetCreated", message, nowMs);
  return {
    sets: { old, newest: asStored(set) },
    steps: [...found.steps, { kind: "create-replica-set", set }],
    conditions: hasProgressDeadline(deployment) ? withCondition(found.conditions, created) : found.conditions,
    revision: String(revision),
  };
}

/** As the rest of the plan sees it: nobody has observed it yet. */
function asStored(set: ReturnType<typeof newSet>): ReplicaSet {
  const metadata = { uid: "", resourceVersion: "", creationTimestamp: "", ...set.metadata };
  return { apiVersion: "apps/v1", kind: "ReplicaSet", ...set, metadata };
}

function cleanUpComplete(deployment: Deployment, sets: Sets): readonly Step[] {
  return isComplete(deployment, deployment.status ?? {}) ? cleanUp(deployment, sets) : [];
}

/** Of the old ReplicaSets only so many are kept to go back to. */
function cleanUp(deployment: Deployment, { old }: Sets): readonly Step[] {
  const limit = historyLimit(deployment);
  if (limit === undefined) return [];
  const alive = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined).sort(byRevision);
  return alive
    .slice(0, Math.max(0, alive.length - limit))
    .filter(isEmptied)
    .map((set) => ({ kind: "delete-replica-set", set }));
}

function isEmptied({ metadata, spec, status }: ReplicaSet): boolean {
  return (
    (status?.replicas ?? 0) === 0 &&
    spec.replicas === 0 &&
    (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0)
  );
}
