/** Deletes what has lost its owners (upstream: pkg/controller/garbagecollector). */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { AbsentOwners } from "./absent_owners.ts";
import { Collector } from "./collector.ts";
import { DependencyGraph } from "./graph.ts";
import { identityText, type Identity } from "./identity.ts";
import { Monitors } from "./monitors.ts";
import { LiveObjects } from "./objects.ts";

const name = "garbage-collector-controller";
/** --concurrent-gc-syncs */
const workers = 20;
/** How often it is looked which resources there are, in ms; a definition that comes or goes is noticed at once. */
const refreshMs = 30_000;
/** Between a definition's change and the look: one definition changes several times as it is established. */
const settleMs = 50;
/** Bound of the first lists, in ms; past it what has come is acted upon, and owners are looked for live anyway. */
const syncTimeoutMs = 30_000;

export const garbageCollectorController: ControllerRow = {
  name,
  account: "generic-garbage-collector",
  component: name,
  make: (context) => new GarbageCollector(context),
};

class GarbageCollector implements Controller {
  readonly #context: ControllerContext;
  readonly #graph: DependencyGraph;
  readonly #monitors: Monitors;
  readonly #doubtful: WorkQueue;
  readonly #orphaning: WorkQueue;
  #started = false;
  #stopped = false;
  #cancelRefresh: (() => void) | undefined;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(context: ControllerContext) {
    this.#context = context;
    const absent = new AbsentOwners();
    this.#graph = new DependencyGraph({
      onDoubt: (uid) => this.#doubtful.add(uid),
      onOrphan: (uid) => this.#orphaning.add(uid),
      onAbsent: (owner) => absent.add(owner),
      onInvalidNamespace: (dependent, owner) => this.#reportNamespace(dependent, owner),
    });
    this.#monitors = new Monitors(context, this.#graph);
    const objects = new LiveObjects(context.client, (kind) => this.#monitors.resourceOf(kind));
    const doubt = (uid: string): void => this.#doubtful.add(uid);
    const collector = new Collector({ graph: this.#graph, objects, absent, doubt });
    this.#doubtful = controllerQueue(context, { name, workers, reconcile: (uid) => collector.attempt(uid) });
    this.#orphaning = controllerQueue(context, { name, workers, reconcile: (uid) => collector.orphan(uid) });
    const onDefinition = (): void => this.#refreshIn(settleMs);
    const definitions = context.informers.of(resourceTypes.customResourceDefinitions);
    definitions.subscribe({ onAdd: onDefinition, onUpdate: onDefinition, onDelete: onDefinition });
  }

  start(): void {
    this.#started = true;
    this.#refreshing = this.#begin();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRefresh?.();
    this.#monitors.stop();
    await this.#refreshing;
    await Promise.all([this.#doubtful.stop(), this.#orphaning.stop()]);
    this.#monitors.stop();
  }

  async #begin(): Promise<void> {
    await this.#refresh();
    const late = await this.#monitors.synced(syncTimeoutMs);
    if (this.#stopped) return;
    if (late.length > 0) this.#context.log.warn({ resources: late }, "no list in time; collecting all the same");
    this.#doubtful.start();
    this.#orphaning.start();
  }

  /** The sooner of what is planned already and this. */
  #refreshIn(ms: number): void {
    if (!this.#started || this.#stopped) return;
    this.#cancelRefresh?.();
    this.#cancelRefresh = this.#context.clock.after(ms, () => {
      this.#refreshing = this.#refreshing.then(() => this.#refresh());
    });
  }

  async #refresh(): Promise<void> {
    if (this.#stopped) return;
    try {
      await this.#monitors.refresh();
    } catch (err) {
      this.#context.log.warn({ err }, "cannot tell which resources there are; it is tried again");
    }
    this.#refreshIn(refreshMs);
  }

  #reportNamespace({ apiVersion, kind, namespace, name: of, uid }: Identity, owner: Identity): void {
    const about = { apiVersion, kind, metadata: { name: of, uid, ...(namespace === "" ? {} : { namespace }) } };
    const message = `ownerRef ${identityText(owner)} does not exist in namespace ${JSON.stringify(namespace)}`;
    this.#context.events.event(about, "Warning", "OwnerRefInvalidNamespace", message);
  }
}
