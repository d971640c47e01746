/** Carries a deployment's steps out, in their order. */
import { keyOf, type Client } from "../../../api/client.ts";
import type { EventRecorder } from "../../../api/event_recorder.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../../../api/status_error.ts";
import type { Deployment, New, ReplicaSet } from "../../../model/kubernetes.ts";
import type { OwnWrites } from "../own_writes.ts";
import { controllerOf } from "../ownership.ts";
import { sameTemplates } from "../pods/template.ts";
import type { Step, UpdateSet } from "./steps.ts";

const { replicaSets } = resourceTypes;

export interface ApplyContext {
  readonly client: Client;
  readonly events: EventRecorder;
  readonly writes: OwnWrites<ReplicaSet>;
  readonly key: string;
  readonly deployment: Deployment;
}

/** A ReplicaSet of the name is there, and is not of the template: the hash is another's too. */
export class HashCollision extends Error {}

/** The ReplicaSet could not be made, for a reason that the deployment's status should tell. */
export class CreateFailed extends Error {}

/** What steps wrote already: a further step on the same ReplicaSet builds on it. */
type Written = Map<string, ReplicaSet>;

const executors: {
  readonly [K in Step["kind"]]: (
    context: ApplyContext,
    step: Extract<Step, { kind: K }>,
    written: Written,
  ) => Promise<void>;
} = {
  "create-replica-set": async (context, { set }) => create(context, set),
  "update-replica-set": update,
  "delete-replica-set": async ({ client, writes, key }, { set }) => {
    await client.delete(replicaSets, keyOf(set), { preconditions: { uid: set.metadata.uid } }).catch(unlessGone);
    writes.deleted(key, set);
  },
};

export async function applySteps(context: ApplyContext, steps: readonly Step[]): Promise<void> {
  const written: Written = new Map();
  for (const step of steps) await execute(context, step, written);
}

function execute<K extends Step["kind"]>(
  context: ApplyContext,
  step: Extract<Step, { kind: K }>,
  written: Written,
): Promise<void> {
  return executors[step.kind](context, step, written);
}

async function create(context: ApplyContext, set: New<ReplicaSet> & { metadata: { name: string } }): Promise<void> {
  const { client, writes, key } = context;
  const { name } = set.metadata;
  try {
    writes.wrote(key, await client.create(replicaSets, set));
  } catch (error) {
    if (isAlreadyExists(error)) return resolveExisting(context, set);
    if (isNamespaceTerminating(error)) throw error;
    const message = `Failed to create new replica set "${name}": ${(error as Error).message}`;
    context.events.event(context.deployment, "Warning", "ReplicaSetCreateError", message);
    throw new CreateFailed(message, { cause: error });
  }
  const size = set.spec.replicas ?? 0;
  if (size > 0) tellScaled(context, name, 0, size);
}

/** One that a former reconciliation made is as good; another's is a collision. */
async function resolveExisting(
  { client, writes, key, deployment }: ApplyContext,
  set: New<ReplicaSet> & { metadata: { name: string } },
): Promise<void> {
  const { namespace } = deployment.metadata;
  const existing = await client.get(replicaSets, { namespace, name: set.metadata.name });
  const isOwn = controllerOf(existing)?.uid === deployment.metadata.uid;
  if (!isOwn || !sameTemplates(existing.spec.template ?? {}, deployment.spec.template)) throw new HashCollision();
  writes.wrote(key, existing);
}

async function update(context: ApplyContext, step: UpdateSet, written: Written): Promise<void> {
  const { client, writes, key } = context;
  const { annotations, minReadySeconds, scale } = step;
  const set = written.get(step.set.metadata.uid) ?? step.set;
  const { metadata, spec } = set;
  const updated = await client.update(replicaSets, {
    ...set,
    metadata: annotations ? { ...metadata, annotations: { ...metadata.annotations, ...annotations } } : metadata,
    spec: {
      ...spec,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      ...(scale ? { replicas: scale.to } : {}),
    },
  });
  written.set(metadata.uid, writes.wrote(key, updated));
  if (scale) tellScaled(context, metadata.name, scale.from, scale.to);
}

function tellScaled({ events, deployment }: ApplyContext, name: string, from: number, to: number): void {
  const direction = to > from ? "up" : "down";
  const message = `Scaled ${direction} replica set ${name} from ${from} to ${to}`;
  events.event(deployment, "Normal", "ScalingReplicaSet", message);
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
