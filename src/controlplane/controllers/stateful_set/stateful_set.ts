/** StatefulSets: pods that keep their names and volumes, one after the other. */
import { keyOf, keyText } from "../../../api/client.ts";
import type { Informer } from "../../../api/informer.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from "../../../model/kubernetes.ts";
import { labelMatcher, type LabelMatcher } from "../../../model/label_selector.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { RevisionCollision } from "../history/steps.ts";
import { OwnWrites } from "../own_writes.ts";
import { applyClaim, claim } from "../ownership.ts";
import { candidates, followOwned } from "../owned_index.ts";
import { asError } from "../pods/slow_start.ts";
import { controllerQueue } from "../queue.ts";
import { applySteps } from "./apply.ts";
import { ordinalOf } from "./identity.ts";
import { plan, type Plan } from "./plan.ts";
import { sameStatus, type StatefulSetStatus } from "./status.ts";

const name = "statefulset-controller";

export const statefulSetController: ControllerRow = {
  name,
  account: name,
  make: (context) => new StatefulSetController(context),
};

const selects = ({ spec }: StatefulSet): LabelMatcher => labelMatcher(spec.selector);

class StatefulSetController implements Controller {
  readonly #context: ControllerContext;
  readonly #sets: Informer<StatefulSet>;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #revisions: Informer<ControllerRevision>;
  readonly #writes: {
    readonly sets: OwnWrites<StatefulSet>;
    readonly pods: OwnWrites<Pod>;
    readonly claims: OwnWrites<PersistentVolumeClaim>;
    readonly revisions: OwnWrites<ControllerRevision>;
  };
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    const { informers } = context;
    this.#context = context;
    this.#sets = informers.of(resourceTypes.statefulSets);
    this.#pods = informers.of(resourceTypes.pods);
    this.#claims = informers.of(resourceTypes.persistentVolumeClaims);
    this.#revisions = informers.of(resourceTypes.controllerRevisions);
    this.#writes = {
      sets: new OwnWrites(this.#sets),
      pods: new OwnWrites(this.#pods),
      claims: new OwnWrites(this.#claims),
      revisions: new OwnWrites(this.#revisions),
    };
    this.#queue = controllerQueue(context, { name, reconcile: (key) => this.#reconcile(key) });
    const enqueue = (set: StatefulSet): void => this.#queue.add(keyText(keyOf(set)));
    this.#sets.subscribe({ onAdd: enqueue, onUpdate: (_, set) => enqueue(set) });
    const follow = { owners: this.#sets, selects, enqueue: (key: string) => this.#queue.add(key) };
    followOwned({ ...follow, owned: this.#pods });
    followOwned({ ...follow, owned: this.#revisions });
  }

  start(): void {
    this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #reconcile(key: string): Promise<Outcome> {
    const { sets, pods, claims, revisions } = this.#writes;
    await Promise.all([sets.seen(key), pods.seen(key), claims.seen(key), revisions.seen(key)]);
    const set = this.#sets.objects.get(key);
    if (!set) return undefined;
    const { namespace } = set.metadata;
    const observed = {
      set,
      pods: await this.#claim(set, this.#pods, (pod) => ordinalOf(set, pod) !== undefined),
      revisions: await this.#claim(set, this.#revisions, () => true),
      claim: (claimName: string) => this.#claims.objects.get(keyText({ namespace, name: claimName })),
    };
    const planned = plan(observed, this.#context.clock.now());
    const error = await this.#apply(key, set, planned);
    if (error) throw error;
    const { againAfterMs } = planned;
    return againAfterMs === undefined ? undefined : { againAfterMs };
  }

  /** Pods of other names are nobody's business, whatever their labels are. */
  #claim<T extends Pod | ControllerRevision>(
    set: StatefulSet,
    informer: Informer<T>,
    isMember: (object: T) => boolean,
  ): Promise<readonly T[]> {
    return applyClaim(this.#context.client, {
      ownerType: resourceTypes.statefulSets,
      owner: set,
      type: informer.type,
      claimed: claim(set, selects(set), candidates(informer, set).filter(isMember)),
    });
  }

  /** @returns what the steps failed with; the status is told all the same */
  async #apply(key: string, set: StatefulSet, { steps, status }: Plan): Promise<Error | undefined> {
    const { client, events } = this.#context;
    const { pods, claims, revisions } = this.#writes;
    try {
      await applySteps({ client, events, pods, claims, revisions, key, set }, steps);
      await this.#tell(key, set, status);
      return undefined;
    } catch (error) {
      if (error instanceof RevisionCollision) {
        // The status' event brings the next attempt, with another hash.
        const { collisionCount = 0, replicas = 0 } = set.status ?? {};
        await this.#tell(key, set, { ...set.status, replicas, collisionCount: collisionCount + 1 });
        return undefined;
      }
      await this.#tell(key, set, status);
      return asError(error);
    }
  }

  async #tell(key: string, set: StatefulSet, status: StatefulSetStatus): Promise<void> {
    if (sameStatus(set.status, status)) return;
    const { client } = this.#context;
    const told = await client.update(resourceTypes.statefulSets, { ...set, status }, { subresource: "status" });
    this.#writes.sets.wrote(key, told);
  }
}
