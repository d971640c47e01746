/** The shell of ReplicaSets and ReplicationControllers: watches, claims, carries the plan out, tells the status. */
import { keyOf, keyText } from "../../../api/client.ts";
import type { Informer } from "../../../api/informer.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNamespaceTerminating } from "../../../api/status_error.ts";
import type { Pod } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { OwnWrites } from "../own_writes.ts";
import { applyClaim, claim, controllerOf, controllerRef } from "../ownership.ts";
import { candidates, followOwned, ownedIndex } from "../owned_index.ts";
import { PodControl } from "../pods/pod_control.ts";
import { forAll, slowStart } from "../pods/slow_start.ts";
import { isActive, isTerminating } from "../pods/state.ts";
import { podFromTemplate } from "../pods/template.ts";
import { controllerQueue } from "../queue.ts";
import { plan, type Step } from "./plan.ts";
import type { Replicas, ReplicasKind } from "./replicas.ts";
import { sameStatus, statusOf } from "./status.ts";

export function replicasController<T extends Replicas>(
  name: string,
  account: string,
  kind: ReplicasKind<T>,
): ControllerRow {
  return { name, account, make: (context) => new ReplicasController(name, context, kind) };
}

class ReplicasController<T extends Replicas> implements Controller {
  readonly #context: ControllerContext;
  readonly #kind: ReplicasKind<T>;
  readonly #sets: Informer<T>;
  readonly #pods: Informer<Pod>;
  readonly #podWrites: OwnWrites<Pod>;
  readonly #setWrites: OwnWrites<T>;
  readonly #control: PodControl;
  readonly #queue: WorkQueue;

  constructor(name: string, context: ControllerContext, kind: ReplicasKind<T>) {
    this.#context = context;
    this.#kind = kind;
    this.#sets = context.informers.of(kind.type);
    this.#pods = context.informers.of(resourceTypes.pods);
    this.#podWrites = new OwnWrites(this.#pods);
    this.#setWrites = new OwnWrites(this.#sets);
    this.#control = new PodControl(context.client, context.events);
    this.#queue = controllerQueue(context, { name, reconcile: (key) => this.#reconcile(key) });
    const enqueue = (set: T): void => this.#queue.add(keyText(keyOf(set)));
    this.#sets.subscribe({ onAdd: enqueue, onUpdate: (_, set) => enqueue(set), onDelete: enqueue });
    ownedIndex(this.#sets);
    followOwned({
      owners: this.#sets,
      owned: this.#pods,
      selects: kind.selects,
      enqueue: (key) => this.#queue.add(key),
    });
  }

  start(): void {
    this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #reconcile(key: string): Promise<Outcome> {
    await Promise.all([this.#podWrites.seen(key), this.#setWrites.seen(key)]);
    const set = this.#sets.objects.get(key);
    if (!set) return undefined;
    const pods = await this.#claim(set);
    const { steps, againAfterMs } = plan({ set, pods, related: this.#related(set) }, this.#context.clock.now());
    const error = await this.#apply(key, set, steps);
    await this.#tellStatus(key, set, pods, error);
    if (error !== undefined) throw error;
    return againAfterMs === undefined ? undefined : { againAfterMs };
  }

  async #claim(set: T): Promise<readonly Pod[]> {
    const active = candidates(this.#pods, set).filter(isActive);
    return applyClaim(this.#context.client, {
      ownerType: this.#kind.type,
      owner: set,
      type: resourceTypes.pods,
      claimed: claim(set, this.#kind.selects(set), active),
    });
  }

  /** Pods of all sets that the set's owner has: a deployment's old and new ones crowd the same nodes. */
  #related(set: T): readonly Pod[] {
    const owner = controllerOf(set);
    if (!owner) return [];
    return ownedIndex(this.#sets)
      .owned(owner.uid)
      .flatMap(({ metadata }) => ownedIndex(this.#pods).owned(metadata.uid));
  }

  /** @returns what it failed with */
  async #apply(key: string, set: T, steps: readonly Step[]): Promise<Error | undefined> {
    for (const step of steps) {
      const error =
        step.kind === "create-pods" ? await this.#create(key, set, step) : await this.#delete(key, set, step);
      if (error !== undefined) return error;
    }
    return undefined;
  }

  async #create(key: string, set: T, { count }: Step & { kind: "create-pods" }): Promise<Error | undefined> {
    const pod = podFromTemplate(set.spec.template ?? {}, set.metadata.name, controllerRef(this.#kind.type, set));
    const { error } = await slowStart(count, async () => {
      try {
        this.#podWrites.wrote(key, await this.#control.create(set, pod));
      } catch (failure) {
        if (!isNamespaceTerminating(failure)) throw failure;
      }
    });
    return error;
  }

  async #delete(key: string, set: T, { pods }: Step & { kind: "delete-pods" }): Promise<Error | undefined> {
    return forAll(pods, async (pod) => {
      if (await this.#control.delete(set, pod)) this.#podWrites.deleted(key, pod);
    });
  }

  async #tellStatus(key: string, set: T, pods: readonly Pod[], error: Error | undefined): Promise<void> {
    const { selects, type, countsTerminating } = this.#kind;
    const isOwn = selects(set);
    const owned = ownedIndex(this.#pods).owned(set.metadata.uid);
    const terminating = countsTerminating
      ? owned.filter((pod) => isTerminating(pod) && isOwn(pod.metadata.labels)).length
      : undefined;
    const status = statusOf(set, { pods, terminating, error }, this.#context.clock.now());
    if (sameStatus(set.status, status)) return;
    const { client } = this.#context;
    this.#setWrites.wrote(key, await client.update(type, { ...set, status }, { subresource: "status" }));
  }
}
