/** Deployments: ReplicaSets of the templates that were and of the one that is, and the way from those to this. */
import { keyOf, keyText } from "../../../api/client.ts";
import type { Informer } from "../../../api/informer.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { Deployment, Pod, ReplicaSet } from "../../../model/kubernetes.ts";
import { labelMatcher, type LabelMatcher } from "../../../model/label_selector.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { OwnWrites } from "../own_writes.ts";
import { applyClaim, claim, controllerOf } from "../ownership.ts";
import { candidates, followOwned, ownedIndex } from "../owned_index.ts";
import { controllerQueue } from "../queue.ts";
import { selectsAll } from "../selects_all.ts";
import { applySteps, CreateFailed, HashCollision } from "./apply.ts";
import { hasProgressDeadline, isRolling } from "./bounds.ts";
import { conditionOf, withCondition, type DeploymentStatus } from "./conditions.ts";
import { plan, type Plan } from "./plan.ts";
import { revisionAnnotation } from "./revisions.ts";
import { sameStatus } from "./status.ts";

const name = "deployment-controller";

export const deploymentController: ControllerRow = {
  name,
  account: name,
  make: (context) => new DeploymentController(context),
};

const selects = ({ spec }: Deployment): LabelMatcher => labelMatcher(spec.selector);

class DeploymentController implements Controller {
  readonly #context: ControllerContext;
  readonly #deployments: Informer<Deployment>;
  readonly #sets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #setWrites: OwnWrites<ReplicaSet>;
  readonly #ownWrites: OwnWrites<Deployment>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#deployments = context.informers.of(resourceTypes.deployments);
    this.#sets = context.informers.of(resourceTypes.replicaSets);
    this.#pods = context.informers.of(resourceTypes.pods);
    this.#setWrites = new OwnWrites(this.#sets);
    this.#ownWrites = new OwnWrites(this.#deployments);
    this.#queue = controllerQueue(context, { name, reconcile: (key) => this.#reconcile(key) });
    const enqueue = (deployment: Deployment): void => this.#queue.add(keyText(keyOf(deployment)));
    this.#deployments.subscribe({ onAdd: enqueue, onUpdate: (_, deployment) => enqueue(deployment) });
    followOwned({
      owners: this.#deployments,
      owned: this.#sets,
      selects,
      enqueue: (key) => this.#queue.add(key),
    });
    ownedIndex(this.#pods);
    this.#pods.subscribe({ onDelete: (pod) => this.#podIsGone(pod) });
  }

  start(): void {
    this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  /** Recreate waits for the old pods' end, which no ReplicaSet's status tells. */
  #podIsGone(pod: Pod): void {
    const { namespace } = pod.metadata;
    const setName = controllerOf(pod)?.name;
    const set = setName === undefined ? undefined : this.#sets.objects.get(keyText({ namespace, name: setName }));
    const owner = set && controllerOf(set);
    if (!owner || owner.kind !== "Deployment") return;
    const deployment = this.#deployments.objects.get(keyText({ namespace, name: owner.name }));
    if (deployment && !isRolling(deployment)) this.#queue.add(keyText(keyOf(deployment)));
  }

  async #reconcile(key: string): Promise<Outcome> {
    await Promise.all([this.#setWrites.seen(key), this.#ownWrites.seen(key)]);
    const deployment = this.#deployments.objects.get(key);
    if (!deployment) return undefined;
    if (selectsAll(deployment.spec.selector)) return this.#refuse(key, deployment);
    const replicaSets = await this.#claim(deployment);
    const pods = isRolling(deployment) ? new Map<string, readonly Pod[]>() : this.#podsOf(replicaSets);
    const planned = plan({ deployment, replicaSets, pods }, this.#context.clock.now());
    await this.#apply(key, deployment, planned);
    const { againAfterMs } = planned;
    return againAfterMs === undefined ? undefined : { againAfterMs };
  }

  #claim(deployment: Deployment): Promise<readonly ReplicaSet[]> {
    return applyClaim(this.#context.client, {
      ownerType: resourceTypes.deployments,
      owner: deployment,
      type: resourceTypes.replicaSets,
      claimed: claim(deployment, selects(deployment), candidates(this.#sets, deployment)),
    });
  }

  #podsOf(sets: readonly ReplicaSet[]): ReadonlyMap<string, readonly Pod[]> {
    return new Map(sets.map(({ metadata }) => [metadata.uid, ownedIndex(this.#pods).owned(metadata.uid)]));
  }

  async #apply(key: string, deployment: Deployment, { steps, status, revision }: Plan): Promise<void> {
    const { client, events } = this.#context;
    try {
      await applySteps({ client, events, writes: this.#setWrites, key, deployment }, steps);
    } catch (error) {
      const told = this.#afterFailure(deployment, error);
      if (told) await this.#write(key, deployment, told, undefined);
      // Of a collision the status' event brings the next attempt, with another hash.
      if (error instanceof HashCollision) return;
      throw error instanceof CreateFailed ? error.cause : error;
    }
    await this.#write(key, deployment, status, revision);
  }

  #afterFailure(deployment: Deployment, error: unknown): DeploymentStatus | undefined {
    const status = deployment.status ?? {};
    if (error instanceof HashCollision) return { ...status, collisionCount: (status.collisionCount ?? 0) + 1 };
    if (!(error instanceof CreateFailed) || !hasProgressDeadline(deployment)) return undefined;
    const now = this.#context.clock.now();
    const failed = conditionOf("Progressing", "False", "ReplicaSetCreateError", error.message, now);
    return { ...status, conditions: [...withCondition(status.conditions ?? [], failed)] };
  }

  async #write(
    key: string,
    deployment: Deployment,
    status: DeploymentStatus,
    revision: string | undefined,
  ): Promise<void> {
    const annotations = deployment.metadata.annotations ?? {};
    const isRevised = revision !== undefined && annotations[revisionAnnotation] !== revision;
    if (!isRevised && sameStatus(deployment.status, status)) return;
    const metadata = isRevised
      ? { ...deployment.metadata, annotations: { ...annotations, [revisionAnnotation]: revision } }
      : deployment.metadata;
    const { client } = this.#context;
    const changed = { ...deployment, metadata, status };
    this.#ownWrites.wrote(key, await client.update(resourceTypes.deployments, changed, { subresource: "status" }));
  }

  async #refuse(key: string, deployment: Deployment): Promise<undefined> {
    const message = "This deployment is selecting all pods. A non-empty selector is required.";
    this.#context.events.event(deployment, "Warning", "SelectingAll", message);
    const { generation = 0 } = deployment.metadata;
    if ((deployment.status?.observedGeneration ?? 0) >= generation) return;
    await this.#write(key, deployment, { ...deployment.status, observedGeneration: generation }, undefined);
  }
}
