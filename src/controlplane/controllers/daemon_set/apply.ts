/** Carries a DaemonSet's steps out. */
import type { Client } from "../../../api/client.ts";
import { keyOf } from "../../../api/client.ts";
import type { EventRecorder } from "../../../api/event_recorder.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNamespaceTerminating } from "../../../api/status_error.ts";
import type { ControllerRevision, DaemonSet, Pod } from "../../../model/kubernetes.ts";
import { applyRevisionStep } from "../history/steps.ts";
import type { OwnWrites } from "../own_writes.ts";
import type { PodControl } from "../pods/pod_control.ts";
import { forAll, slowStart } from "../pods/slow_start.ts";
import { daemonPod } from "./pods.ts";
import type { Step } from "./steps.ts";

export interface ApplyContext {
  readonly client: Client;
  readonly events: EventRecorder;
  readonly control: PodControl;
  readonly pods: OwnWrites<Pod>;
  readonly revisions: OwnWrites<ControllerRevision>;
  readonly key: string;
  readonly set: DaemonSet;
}

type Executor<K extends Step["kind"]> = (
  context: ApplyContext,
  step: Extract<Step, { kind: K }>,
) => Promise<Error | undefined>;

const revisionStep = async (context: ApplyContext, step: Extract<Step, { kind: `${string}-revision` }>) => {
  const { client, revisions, key, set } = context;
  await applyRevisionStep({ client, writes: revisions, key, owner: set }, step);
  return undefined;
};

const executors: { readonly [K in Step["kind"]]: Executor<K> } = {
  "create-revision": revisionStep,
  "update-revision": revisionStep,
  "delete-revision": revisionStep,
  "label-pod": async ({ client, pods, key }, { pod, hash }) => {
    const body = { metadata: { labels: { "controller-revision-hash": hash } } };
    pods.wrote(key, await client.patch(resourceTypes.pods, keyOf(pod), { type: "merge", body }));
    return undefined;
  },
  tell: async ({ events, set }, { type, reason, message }) => {
    events.event(set, type, reason, message);
    return undefined;
  },
  "create-pods": async ({ control, pods, key, set }, { nodes, hash }) => {
    const { error } = await slowStart(nodes.length, async (i) => {
      try {
        pods.wrote(key, await control.create(set, daemonPod(set, nodes[i]!, hash)));
      } catch (failure) {
        if (!isNamespaceTerminating(failure)) throw failure;
      }
    });
    return error;
  },
  "delete-pods": async ({ control, pods: writes, key, set }, { pods }) => {
    return forAll(pods, async (pod) => {
      if (await control.delete(set, pod)) writes.deleted(key, pod);
    });
  },
};

/**
 * Pods that cannot be made keep nothing else from being done.
 *
 * @returns the first failure of pods. @throws what revisions fail with: nothing is done without them
 */
export async function applySteps(context: ApplyContext, steps: readonly Step[]): Promise<Error | undefined> {
  let first: Error | undefined;
  for (const step of steps) first = (await execute(context, step)) ?? first;
  return first;
}

function execute<K extends Step["kind"]>(
  context: ApplyContext,
  step: Extract<Step, { kind: K }>,
): Promise<Error | undefined> {
  return executors[step.kind](context, step);
}
