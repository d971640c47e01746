/** Carries a StatefulSet's steps out, and says so in its Events (pkg/controller/statefulset/stateful_pod_control.go). */
import { keyOf, type Client } from "../../../api/client.ts";
import type { EventRecorder } from "../../../api/event_recorder.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../../../api/status_error.ts";
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from "../../../model/kubernetes.ts";
import { applyRevisionStep } from "../history/steps.ts";
import type { OwnWrites } from "../own_writes.ts";
import { asError, forAll, slowStart } from "../pods/slow_start.ts";
import type { NewClaim, Step } from "./steps.ts";

const { pods, persistentVolumeClaims } = resourceTypes;

export interface ApplyContext {
  readonly client: Client;
  readonly events: EventRecorder;
  readonly pods: OwnWrites<Pod>;
  readonly claims: OwnWrites<PersistentVolumeClaim>;
  readonly revisions: OwnWrites<ControllerRevision>;
  readonly key: string;
  readonly set: StatefulSet;
}

type Executor<K extends Step["kind"]> = (context: ApplyContext, step: Extract<Step, { kind: K }>) => Promise<void>;

const revisionStep = (
  { client, revisions, key, set }: ApplyContext,
  step: Extract<Step, { kind: `${string}-revision` }>,
) => applyRevisionStep({ client, writes: revisions, key, owner: set }, step);

const executors: { readonly [K in Step["kind"]]: Executor<K> } = {
  "create-revision": revisionStep,
  "update-revision": revisionStep,
  "delete-revision": revisionStep,
  "create-pods": async (context, { creations }) => {
    const { error } = await slowStart(creations.length, async (i) => {
      const { pod, claims } = creations[i]!;
      for (const claim of claims) await createClaim(context, pod, claim);
      await createPod(context, pod);
    });
    if (error) throw error;
  },
  "create-claims": async (context, { pod, claims }) => {
    for (const claim of claims) await createClaim(context, pod, claim);
  },
  "update-pod": async (context, { pod }) => {
    const updated = await told(context, "update", pod, () => context.client.update(pods, pod));
    context.pods.wrote(context.key, updated);
  },
  "own-claim": async ({ client, claims, key }, { claim, owners }) => {
    const metadata = { ...claim.metadata, ownerReferences: owners };
    claims.wrote(key, await client.update(persistentVolumeClaims, { ...claim, metadata }));
  },
  "delete-pods": async (context, { pods: targets }) => {
    const error = await forAll(targets, (pod) => deletePod(context, pod));
    if (error) throw error;
  },
  "wait-for-claim": async ({ events, set }, { pod, claim, isDeleted }) => {
    const message = isDeleted ? `pvc ${claim} is being deleted` : `pvc ${claim} is a former pod's`;
    if (isDeleted) events.event(set, "Warning", "FailedCreate", podMessage("create", pod, set, message));
    throw new Error(message);
  },
};

/** @throws what the first step fails with; the rest are planned again */
export async function applySteps(context: ApplyContext, steps: readonly Step[]): Promise<void> {
  for (const step of steps) await execute(context, step);
}

function execute<K extends Step["kind"]>(context: ApplyContext, step: Extract<Step, { kind: K }>): Promise<void> {
  return executors[step.kind](context, step);
}

async function createPod(context: ApplyContext, pod: Pod): Promise<void> {
  const { client, key, pods: writes } = context;
  const { uid: _uid, resourceVersion: _version, creationTimestamp: _time, ...metadata } = pod.metadata;
  try {
    const made = await told(context, "create", pod, () => client.create(pods, { metadata, spec: pod.spec }));
    writes.wrote(key, made);
  } catch (error) {
    if (!isNamespaceTerminating(error)) throw error;
  }
}

/** Names come again: only this pod is meant, never the next of its name. */
async function deletePod(context: ApplyContext, pod: Pod): Promise<void> {
  const { client, key, pods: writes } = context;
  const preconditions = { uid: pod.metadata.uid };
  try {
    await told(context, "delete", pod, () => client.delete(pods, keyOf(pod), { preconditions }));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  writes.deleted(key, pod);
}

async function createClaim(context: ApplyContext, pod: Pod, claim: NewClaim): Promise<void> {
  const { client, events, set, key, claims } = context;
  const { name } = claim.metadata;
  try {
    claims.wrote(key, await client.create(persistentVolumeClaims, claim));
    const message = `create Claim ${name} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} success`;
    events.event(set, "Normal", "SuccessfulCreate", message);
  } catch (error) {
    if (isAlreadyExists(error)) return;
    const message = `create Claim ${name} for Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} failed error: ${asError(error).message}`;
    if (!isNamespaceTerminating(error)) events.event(set, "Warning", "FailedCreate", message);
    throw error;
  }
}

type Verb = "create" | "update" | "delete";

async function told<T>({ events, set }: ApplyContext, verb: Verb, pod: Pod, call: () => Promise<T>): Promise<T> {
  const name = `${verb[0]!.toUpperCase()}${verb.slice(1)}`;
  try {
    const answer = await call();
    events.event(set, "Normal", `Successful${name}`, podMessage(verb, pod, set));
    return answer;
  } catch (error) {
    if (!isNamespaceTerminating(error) && !isNotFound(error)) {
      events.event(set, "Warning", `Failed${name}`, podMessage(verb, pod, set, asError(error).message));
    }
    throw error;
  }
}

function podMessage(verb: Verb, pod: Pod, set: StatefulSet, error?: string): string {
  const what = `${verb} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
  return error === undefined ? `${what} successful` : `${what} failed error: ${error}`;
}
