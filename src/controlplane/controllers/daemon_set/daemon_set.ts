/** DaemonSets: a pod on each node that they are for. */
import { keyOf, keyText } from "../../../api/client.ts";
import type { Informer } from "../../../api/informer.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { ControllerRevision, DaemonSet, Node, Pod } from "../../../model/kubernetes.ts";
import { labelMatcher, type LabelMatcher } from "../../../model/label_selector.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { RevisionCollision } from "../history/steps.ts";
import { OwnWrites } from "../own_writes.ts";
import { applyClaim, claim } from "../ownership.ts";
import { candidates, followOwned } from "../owned_index.ts";
import { PodControl } from "../pods/pod_control.ts";
import { selectsAll } from "../selects_all.ts";
import { controllerQueue } from "../queue.ts";
import { applySteps } from "./apply.ts";
import { FailedPodBackoff } from "./backoff.ts";
import { isOtherPlace, nodeRule } from "./nodes.ts";
import { plan, type Plan } from "./plan.ts";
import { sameStatus, type DaemonSetStatus } from "./status.ts";

const name = "daemonset-controller";

export const daemonSetController: ControllerRow = {
  name,
  account: "daemon-set-controller",
  component: name,
  make: (context) => new DaemonSetController(context),
};

const selects = ({ spec }: DaemonSet): LabelMatcher => labelMatcher(spec.selector);

class DaemonSetController implements Controller {
  readonly #context: ControllerContext;
  readonly #sets: Informer<DaemonSet>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #revisions: Informer<ControllerRevision>;
  readonly #writes: {
    readonly sets: OwnWrites<DaemonSet>;
    readonly pods: OwnWrites<Pod>;
    readonly revisions: OwnWrites<ControllerRevision>;
  };
  readonly #control: PodControl;
  readonly #queue: WorkQueue;
  readonly #backoffs = new Map<string, FailedPodBackoff>();

  constructor(context: ControllerContext) {
    const { informers } = context;
    this.#context = context;
    this.#sets = informers.of(resourceTypes.daemonSets);
    this.#pods = informers.of(resourceTypes.pods);
    this.#nodes = informers.of(resourceTypes.nodes);
    this.#revisions = informers.of(resourceTypes.controllerRevisions);
    this.#writes = {
      sets: new OwnWrites(this.#sets),
      pods: new OwnWrites(this.#pods),
      revisions: new OwnWrites(this.#revisions),
    };
    this.#control = new PodControl(context.client, context.events);
    this.#queue = controllerQueue(context, { name, workers: 2, reconcile: (key) => this.#reconcile(key) });
    this.#subscribe();
  }

  #subscribe(): void {
    const enqueue = (set: DaemonSet): void => this.#queue.add(keyText(keyOf(set)));
    this.#sets.subscribe({
      onAdd: enqueue,
      onUpdate: (_, set) => enqueue(set),
      onDelete: (set) => this.#backoffs.delete(set.metadata.uid),
    });
    const follow = { owners: this.#sets, selects, enqueue: (key: string) => this.#queue.add(key) };
    followOwned({ ...follow, owned: this.#pods });
    followOwned({ ...follow, owned: this.#revisions });
    this.#nodes.subscribe({
      onAdd: (node) => this.#eachConcerned((set) => nodeRule(set)(node).shouldRun),
      onUpdate: (before, after) => {
        if (!isOtherPlace(before, after)) return;
        this.#eachConcerned((set) => {
          const rule = nodeRule(set);
          const [was, is] = [rule(before), rule(after)];
          return was.shouldRun !== is.shouldRun || was.mayStay !== is.mayStay;
        });
      },
      onDelete: (node) => this.#eachConcerned((set) => nodeRule(set)(node).mayStay),
    });
  }

  #eachConcerned(isConcerned: (set: DaemonSet) => boolean): void {
    for (const set of this.#sets.objects.values()) if (isConcerned(set)) this.#queue.add(keyText(keyOf(set)));
  }

  start(): void {
    this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #reconcile(key: string): Promise<Outcome> {
    const { sets, pods, revisions } = this.#writes;
    await Promise.all([sets.seen(key), pods.seen(key), revisions.seen(key)]);
    const set = this.#sets.objects.get(key);
    if (!set) return undefined;
    if (selectsAll(set.spec.selector)) {
      const message = "This daemon set is selecting all pods. A non-empty selector is required.";
      this.#context.events.event(set, "Warning", "SelectingAll", message);
      return undefined;
    }
    const planned = await this.#plan(set);
    const error = await this.#apply(key, set, planned);
    if (error) throw error;
    const { againAfterMs } = planned;
    return againAfterMs === undefined ? undefined : { againAfterMs };
  }

  async #plan(set: DaemonSet): Promise<Plan> {
    const { clock } = this.#context;
    const backoff = this.#backoffOf(set);
    const observed = {
      set,
      nodes: [...this.#nodes.objects.values()],
      pods: await this.#claim(set, this.#pods),
      revisions: await this.#claim(set, this.#revisions),
      backOffMs: (node: string) => backoff.remainingMs(node, set.status?.observedGeneration, clock.now()),
    };
    return plan(observed, clock.now());
  }

  async #claim<T extends Pod | ControllerRevision>(set: DaemonSet, informer: Informer<T>): Promise<readonly T[]> {
    return applyClaim(this.#context.client, {
      ownerType: resourceTypes.daemonSets,
      owner: set,
      type: informer.type,
      claimed: claim(set, selects(set), candidates(informer, set)),
    });
  }

  #backoffOf({ metadata }: DaemonSet): FailedPodBackoff {
    let backoff = this.#backoffs.get(metadata.uid);
    if (!backoff) this.#backoffs.set(metadata.uid, (backoff = new FailedPodBackoff()));
    return backoff;
  }

  /** @returns what pods failed with */
  async #apply(key: string, set: DaemonSet, { steps, status, failedOn }: Plan): Promise<Error | undefined> {
    const { client, events, clock } = this.#context;
    const backoff = this.#backoffOf(set);
    for (const node of failedOn) backoff.next(node, set.status?.observedGeneration, clock.now());
    const { pods, revisions } = this.#writes;
    try {
      const error = await applySteps({ client, events, control: this.#control, pods, revisions, key, set }, steps);
      if (status) await this.#tell(key, set, status);
      return error;
    } catch (error) {
      if (!(error instanceof RevisionCollision)) throw error;
      // The status' event brings the next attempt, with another hash.
      await this.#tell(key, set, { ...set.status!, collisionCount: (set.status?.collisionCount ?? 0) + 1 });
      return undefined;
    }
  }

  async #tell(key: string, set: DaemonSet, status: DaemonSetStatus): Promise<void> {
    if (sameStatus(set.status, status)) return;
    const { client } = this.#context;
    const told = await client.update(resourceTypes.daemonSets, { ...set, status }, { subresource: "status" });
    this.#writes.sets.wrote(key, told);
  }
}
