/** Looks at all nodes every few seconds: who is silent, and whose pods are to leave. */
import type { Informer } from "../../../api/informer.ts";
import type { Index } from "../../../api/object_store.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isConflict } from "../../../api/status_error.ts";
import type { Lease, Node, Pod } from "../../../model/kubernetes.ts";
import type { ControllerContext } from "../controller.ts";
import { podsByNode } from "../pods/by_node.ts";
import { EvictionQueues } from "./eviction_queues.ts";
import { planHealth, type HealthPlan, type NodeHealth } from "./health.ts";
import type { NodeWrites } from "./node_writes.ts";
import { evictingTaint, evicts, readyCondition, withEviction } from "./taints.ts";
import { countsForZone, planDisruption, zoneOf, type ZoneState } from "./zones.ts";

const { nodes, leases, pods } = resourceTypes;
/** --node-startup-grace-period, in ms. */
const startupMs = 60_000;
const evictionsPerSecond = 0.1;
/** Nodes, or pods of one, that are written at one time. */
const parallel = 16;

export class NodeMonitor {
  readonly #context: ControllerContext;
  readonly #writes: NodeWrites;
  readonly #nodes: Informer<Node>;
  readonly #leases: Informer<Lease>;
  readonly #pods: Index<Pod>;
  readonly #health = new Map<string, NodeHealth>();
  readonly #known = new Map<string, Node>();
  /** Nodes whose pods could not all be marked. */
  readonly #unmarked = new Set<string>();
  readonly queues = new EvictionQueues(evictionsPerSecond);
  #zones: ReadonlyMap<string, ZoneState> = new Map();

  constructor(context: ControllerContext, writes: NodeWrites) {
    this.#context = context;
    this.#writes = writes;
    this.#nodes = context.informers.of(nodes);
    this.#leases = context.informers.of(leases);
    this.#pods = podsByNode(context.informers.of(pods));
  }

  /** Whether the node is known not to be ready. */
  isNotReady(name: string): boolean {
    const node = this.#nodes.objects.get(name);
    const ready = node && this.#health.has(name) ? readyCondition(node) : undefined;
    return ready !== undefined && ready.status !== "True";
  }

  async pass(): Promise<void> {
    const all = [...this.#nodes.objects.values()];
    this.#tellOfNodes(all);
    const zones = new Map<string, (string | undefined)[]>();
    await inParallel(all, async (node) => {
      const current = await this.#look(node);
      if (!countsForZone(node)) return;
      const zone = zones.get(zoneOf(node));
      if (zone) zone.push(current);
      else zones.set(zoneOf(node), [current]);
    });
    await this.#limit(zones, all);
  }

  /** Taints nodes that wait, as many as may be now. */
  async evict(): Promise<void> {
    for (const name of this.queues.take(this.#context.clock.now())) {
      const node = this.#nodes.objects.get(name);
      const key = node && evictingTaint(readyCondition(node)?.status);
      if (key === undefined) continue;
      await this.#taint(name, key).catch((err: unknown) => {
        this.queues.add(zoneOf(node!), name, this.#context.clock.now());
        this.#complain(name, err);
      });
    }
  }

  #tellOfNodes(all: readonly Node[]): void {
    const now = new Map(all.map((node) => [node.metadata.uid, node]));
    for (const [uid, node] of now) {
      if (this.#known.has(uid)) continue;
      this.#tell(node, "RegisteredNode", `Registered Node ${node.metadata.name} in Controller`);
    }
    for (const [uid, node] of this.#known) {
      if (now.has(uid)) continue;
      const { name } = node.metadata;
      this.#tell(node, "RemovingNode", `Removing Node ${name} from Controller`);
      this.#health.delete(name);
      this.#unmarked.delete(name);
      this.queues.remove(name);
    }
    this.#known.clear();
    for (const [uid, node] of now) this.#known.set(uid, node);
  }

  #tell(node: Node, reason: string, event: string): void {
    const { name } = node.metadata;
    this.#context.events.event(node, "Normal", reason, `Node ${name} event: ${event}`);
  }

  /** @returns the Ready condition's status as it is now */
  async #look(node: Node): Promise<string | undefined> {
    const { clock, options, events } = this.#context;
    const { name } = node.metadata;
    const lease = this.#leases.objects.get(`kube-node-lease/${name}`);
    const grace = { startupMs, monitorMs: options.nodeMonitorGracePeriodMs };
    const plan = planHealth(node, lease, this.#health.get(name), grace, clock.now());
    this.#health.set(name, plan.health);
    try {
      if (plan.status) await this.#writes.status(node, plan.status);
      if (plan.current === undefined) return undefined;
      await this.#followEviction(node, plan.observed);
      const turned = plan.observed === "True" && plan.current !== "True";
      if (turned) events.event(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`);
      if (turned || (this.#unmarked.has(name) && plan.observed !== "True")) await this.#markPods(name);
    } catch (err) {
      this.#complain(name, err);
      return readyOf(plan);
    }
    return plan.current;
  }

  /** Of a conflict nobody need hear: the next pass sees what came between. */
  #complain(node: string, err: unknown): void {
    if (isConflict(err)) return;
    this.#context.log.warn(
      { controller: "node-lifecycle-controller", node, err },
      "cannot update a node; it is tried again",
    );
  }

  async #followEviction(node: Node, observed: string): Promise<void> {
    const { name } = node.metadata;
    const key = evictingTaint(observed);
    if (key === undefined) {
      this.queues.remove(name);
      if (withEviction(node, undefined, 0)) await this.#taint(name, undefined);
      return;
    }
    if (evicts(node, key)) return;
    // From one kind of silence to the other: its pods are leaving already.
    if (withEviction(node, undefined, 0)) await this.#taint(name, key);
    else this.queues.add(zoneOf(node), name, this.#context.clock.now());
  }

  #taint(name: string, key: string | undefined): Promise<void> {
    return this.#writes.taint(name, (node) => withEviction(node, key, this.#context.clock.now()));
  }

  async #markPods(name: string): Promise<void> {
    this.#unmarked.add(name);
    await inParallel(this.#pods.get(name), (pod) => this.#writes.markNotReady(pod));
    this.#unmarked.delete(name);
  }

  async #limit(zones: ReadonlyMap<string, (string | undefined)[]>, all: readonly Node[]): Promise<void> {
    const now = this.#context.clock.now();
    const plan = planDisruption(zones, this.#zones);
    this.#zones = plan.states;
    for (const [zone, perSecond] of plan.rates) this.queues.setRate(zone, perSecond, now);
    if (plan.forgives) {
      for (const [name, health] of this.#health) this.#health.set(name, { ...health, probedMs: now });
    }
    if (!plan.stopsAll) return;
    for (const { metadata } of all) this.queues.remove(metadata.name);
    await inParallel(all, ({ metadata }) => this.#taint(metadata.name, undefined));
  }
}

function readyOf({ observed, current }: HealthPlan): string | undefined {
  return current === undefined ? undefined : observed;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
}
