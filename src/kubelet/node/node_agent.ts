/** The node's object: registered, its status written when it changes and every few minutes, its Lease kept. */
import { isDeepStrictEqual } from "node:util";
import type { Client } from "../../api/client.ts";
import type { EventRecorder } from "../../api/event_recorder.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import { isAlreadyExists } from "../../api/status_error.ts";
import type { Node } from "../../model/kubernetes.ts";
import { timestamp } from "../../model/timestamp.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { Runtime } from "../cri/runtime.ts";
import { reasonOf } from "../pods/apply/run.ts";
import { pressureWords, type NodePressures, type Pressure } from "./conditions.ts";
import type { NodeFacts } from "./facts.ts";
import { NodeLease } from "./lease.ts";
import { newNode, nodeStatus, type NodeSettings, type NodeStatus, type NodeView } from "./render.ts";

const { nodes } = resourceTypes;

export interface NodeAgentOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly events: EventRecorder;
  readonly settings: NodeSettings;
  readonly facts: NodeFacts;
  readonly pressures: NodePressures;
  readonly registers: boolean;
  /** There is no API to register with. */
  readonly isStandalone: boolean;
  readonly leaseSeconds: number;
  /** Between two looks at what may have changed, in ms. */
  readonly updateMs: number;
  /** Between two writes of what did not change, in ms. */
  readonly reportMs: number;
  readonly onError: (attempted: string, error: unknown) => void;
}

const registerRetryMs = 200;
const longestRetryMs = 7000;

export class NodeAgent {
  readonly #options: NodeAgentOptions;
  #node: Node | undefined;
  #status: NodeStatus | undefined;
  #reportedAtMs = 0;
  #lease: NodeLease | undefined;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(options: NodeAgentOptions) {
    this.#options = options;
  }

  get allocatable(): Readonly<Record<string, string>> {
    return this.#status?.allocatable ?? {};
  }

  get addresses(): NonNullable<NodeStatus["addresses"]> {
    return this.#status?.addresses ?? [];
  }

  /** As it is registered. */
  get node(): Node | undefined {
    return this.#node;
  }

  /** Resolves when the node is registered. */
  async start(): Promise<void> {
    const { settings, isStandalone } = this.#options;
    // What pods may have is known before, and without, an API server.
    this.#status = nodeStatus(settings, await this.#view(), undefined);
    if (isStandalone) return;
    const node = await this.#registered();
    if (!node) return;
    this.#node = node;
    this.#status = node.status;
    const { client, clock, leaseSeconds: durationSeconds, onError, events } = this.#options;
    events.event(node, "Normal", "Starting", "Starting kubelet.");
    const lease = new NodeLease(node, {
      client,
      clock,
      durationSeconds,
      onError: (error) => onError("renew the node's lease", error),
    });
    this.#lease = lease;
    lease.start();
    await this.#turn();
  }

  stop(): void {
    this.#isStopped = true;
    this.#lease?.stop();
    this.#cancel?.();
  }

  async #registered(): Promise<Node | undefined> {
    const { clock, onError } = this.#options;
    for (let ms = registerRetryMs; !this.#isStopped; ms = Math.min(longestRetryMs, ms * 2)) {
      try {
        return await this.#register();
      } catch (error) {
        onError("register the node", error);
        await new Promise<void>((resolve) => (this.#cancel = clock.after(ms, resolve)));
      }
    }
    return undefined;
  }

  async #register(): Promise<Node> {
    const { client, settings, facts, registers } = this.#options;
    if (!registers) return client.get(nodes, { name: settings.name });
    const wanted = newNode(settings, facts);
    try {
      return await client.create(nodes, wanted);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const current = await client.get(nodes, { name: settings.name });
    const { labels, annotations } = wanted.metadata;
    const metadata = { labels, annotations };
    const has = (of: "labels" | "annotations") =>
      Object.entries(wanted.metadata[of] ?? {}).every(([key, value]) => current.metadata[of]?.[key] === value);
    if (has("labels") && has("annotations")) return current;
    return client.patch(nodes, { name: settings.name }, { type: "strategic", body: { metadata } });
  }

  async #turn(): Promise<void> {
    const { clock, onError, updateMs } = this.#options;
    try {
      await this.#update();
    } catch (error) {
      onError("write the node's status", error);
    }
    if (!this.#isStopped) this.#cancel = clock.after(updateMs, () => void this.#turn());
  }

  async #update(): Promise<void> {
    const { client, clock, settings, reportMs } = this.#options;
    const view = await this.#view();
    const status = nodeStatus(settings, view, this.#status);
    const isDue = clock.now() - this.#reportedAtMs >= reportMs;
    if (!isDue && isSame(status, this.#status)) return;
    const before = this.#status;
    await client.patch(
      nodes,
      { name: settings.name },
      { type: "strategic", body: { status } },
      { subresource: "status" },
    );
    this.#status = status;
    this.#reportedAtMs = clock.now();
    this.#announce(before, status);
  }

  async #view(): Promise<NodeView> {
    const { clock, runtime, facts } = this.#options;
    const now = timestamp(clock.now());
    const pressures = this.#options.pressures.current;
    const nothing = { facts, now, pressures, runtime: undefined, images: [] };
    const known = this.#status?.nodeInfo?.containerRuntimeVersion ?? "";
    try {
      const [status, version, images] = await Promise.all([runtime.status(), runtime.version(), runtime.listImages()]);
      const runtimeVersion = `${version.runtimeName}://${version.runtimeVersion}`;
      return { facts, now, pressures, runtime: status, runtimeError: "", runtimeVersion, images };
    } catch (error) {
      return { ...nothing, runtimeError: reasonOf(error), runtimeVersion: known };
    }
  }

  /** "NodeReady" and the like, at each change (nodestatus.ReadyCondition and others). */
  #announce(before: NodeStatus | undefined, { conditions = [] }: NodeStatus): void {
    for (const { type, status } of conditions) {
      const old = before?.conditions?.find((one) => one.type === type)?.status;
      if (old === status) continue;
      const isSo = status === "True";
      const words = type in pressureWords ? pressureWords[type as Pressure][isSo ? "is" : "isNot"] : undefined;
      const reason = type === "Ready" ? (isSo ? "NodeReady" : "NodeNotReady") : words?.event;
      if (reason === undefined) continue;
      const { events, settings } = this.#options;
      events.event(this.#node!, "Normal", reason, `Node ${settings.name} status is now: ${reason}`);
    }
  }
}

/** But for the times at which it was looked. */
function isSame(a: NodeStatus, b: NodeStatus | undefined): boolean {
  const comparable = ({ conditions = [], ...rest }: NodeStatus) => ({
    ...rest,
    conditions: conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
  });
  if (!b) return false;
  const known = comparable(b) as Record<string, unknown>;
  return Object.entries(comparable(a)).every(([key, value]) => isDeepStrictEqual(value, known[key]));
}
