/** The node's object: registered, its status written when it changes and every few minutes, its Lease kept. */
import { isDeepStrictEqual } from "node:util";
import type { Client } from "../../api/client.ts";
import type { EventRecorder } from "../../api/event_recorder.ts";
import { Informer } from "../../api/informer.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import { isAlreadyExists, isNotFound } from "../../api/status_error.ts";
import type { Node } from "../../model/kubernetes.ts";
import { timestamp } from "../../model/timestamp.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { Pauses } from "../../reconcile/pauses.ts";
import { Periodic } from "../../reconcile/periodic.ts";
import type { Runtime } from "../cri/runtime.ts";
import { reasonOf } from "../../errors/message.ts";
import type { NodePressures } from "./conditions.ts";
import type { NodeFacts } from "./facts.ts";
import { NodeLease } from "./lease.ts";
import type { NodeStartup } from "./startup.ts";
import { NodeEvents } from "./node_events.ts";
import { newNode, registrationPatch } from "./registration.ts";
import { nodeStatus, type NodeSettings, type NodeStatus, type NodeView } from "./render.ts";
import { statusPatch } from "./status_patch.ts";

const { nodes } = resourceTypes;

export interface NodeAgentOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly events: EventRecorder;
  readonly settings: NodeSettings;
  /** What the node is now: devices and links come and go. */
  readonly facts: () => Promise<NodeFacts>;
  readonly addresses: () => Promise<readonly string[]>;
  /** Why the node is not ready, beside what the runtime says. */
  readonly problems: () => readonly string[];
  readonly pressures: NodePressures;
  readonly startup?: Pick<NodeStartup, "attempted" | "registered" | "ready">;
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
/** Between two looks at a node that is not ready: who waits for it should not wait for the next regular one. */
const unreadyMs = 1000;

export class NodeAgent {
  readonly #options: NodeAgentOptions;
  readonly #events: NodeEvents;
  readonly #own: Informer<Node>;
  #node: Node | undefined;
  #status: NodeStatus | undefined;
  /** Whether the object in the API has any. */
  #hasAddresses = false;
  #addresses: readonly string[];
  #reportedAtMs = 0;
  #lease: NodeLease | undefined;
  readonly #loop: Periodic;
  readonly #pauses: Pauses;

  constructor(options: NodeAgentOptions) {
    this.#options = options;
    const { client, clock, events, settings, onError } = options;
    this.#events = new NodeEvents(events, settings.name);
    this.#addresses = settings.addresses;
    this.#loop = new Periodic(clock, () => this.#turn());
    this.#pauses = new Pauses(clock);
    this.#own = new Informer(client, nodes, {
      fieldSelector: `metadata.name=${settings.name}`,
      clock,
      onError: (error) => onError("follow the node's object", error),
    });
  }

  get allocatable(): Readonly<Record<string, string>> {
    return this.#status?.allocatable ?? {};
  }

  get addresses(): NonNullable<NodeStatus["addresses"]> {
    return this.#status?.addresses ?? [];
  }

  /** The first is the primary one. */
  get ips(): readonly string[] {
    return this.#addresses;
  }

  /** As it is registered. */
  get node(): Node | undefined {
    return this.#node;
  }

  get events(): NodeEvents {
    return this.#events;
  }

  /** Resolves when the node is registered. */
  async start(): Promise<void> {
    const { settings, isStandalone, facts } = this.#options;
    // What pods may have is known before, and without, an API server.
    this.#status = nodeStatus(settings, await this.#view(), undefined);
    if (isStandalone) return;
    const node = await this.#registered();
    if (!node) return;
    this.#took(node);
    this.#status = node.status;
    this.#events.starting();
    this.#events.booted(node, (await facts()).bootId);
    this.#own.subscribe({
      onAdd: (one) => this.#saw(one),
      onUpdate: (_before, one) => this.#saw(one),
      onDelete: () => this.wake(),
    });
    this.#own.start();
    await this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
    this.#pauses.wake();
    this.#own.stop();
    this.#lease?.stop();
  }

  /** What its status says may have changed. */
  wake(): void {
    this.#loop.soon();
  }

  #saw(node: Node): void {
    this.#events.scheduling(node);
    // Made by somebody else in the place of ours: mirrors and the Lease belong to it.
    if (node.metadata.uid !== this.#node?.metadata.uid) this.#took(node);
  }

  #took(node: Node): void {
    const { client, clock, leaseSeconds: durationSeconds, onError } = this.#options;
    this.#node = node;
    this.#hasAddresses = (node.status?.addresses ?? []).length > 0;
    this.#lease?.stop();
    this.#lease = new NodeLease(node, {
      client,
      clock,
      durationSeconds,
      onError: (error) => onError("renew the node's lease", error),
    });
    this.#lease.start();
  }

  async #registered(): Promise<Node | undefined> {
    const { onError } = this.#options;
    for (let ms = registerRetryMs; !this.#loop.isStopped; ms = Math.min(longestRetryMs, ms * 2)) {
      try {
        return await this.#register();
      } catch (error) {
        if (this.#loop.isStopped) return undefined;
        onError("register the node", error);
        await this.#pauses.pause(ms);
      }
    }
    return undefined;
  }

  async #register(): Promise<Node> {
    const { client, settings, facts, registers, startup } = this.#options;
    const key = { name: settings.name };
    if (!registers) return client.get(nodes, key);
    const wanted = newNode(settings, await facts());
    startup?.attempted();
    try {
      const node = await client.create(nodes, wanted);
      startup?.registered();
      return node;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const current = await client.get(nodes, key);
    const body = registrationPatch(wanted, current);
    return body ? client.patch(nodes, key, { type: "strategic", body }) : current;
  }

  async #turn(): Promise<number> {
    const { onError, updateMs } = this.#options;
    try {
      await this.#update();
    } catch (error) {
      if (!this.#loop.isStopped) onError("write the node's status", error);
    }
    return isReady(this.#status) ? updateMs : Math.min(updateMs, unreadyMs);
  }

  async #update(): Promise<void> {
    const { clock, settings, reportMs } = this.#options;
    const status = nodeStatus(settings, await this.#view(), this.#status);
    const isDue = clock.now() - this.#reportedAtMs >= reportMs;
    const isThere = this.#own.isSynced ? this.#own.objects.get(settings.name) !== undefined : true;
    if (!isDue && isThere && isSame(status, this.#status)) return;
    const before = this.#status;
    await this.#write(status, before);
    this.#status = status;
    this.#reportedAtMs = clock.now();
    this.#events.changed(before, status);
    if (isReady(status)) this.#options.startup?.ready();
  }

  async #write(status: NodeStatus, before: NodeStatus | undefined): Promise<void> {
    const { client, settings, registers } = this.#options;
    const write = async (): Promise<void> => {
      const patch = { type: "strategic" as const, body: statusPatch(status, before, this.#hasAddresses) };
      await client.patch(nodes, { name: settings.name }, patch, { subresource: "status" });
      this.#hasAddresses = (status.addresses ?? []).length > 0;
    };
    try {
      await write();
    } catch (error) {
      if (!isNotFound(error) || !registers) throw error;
      // Somebody has deleted it, and the node is here: it is registered again.
      this.#took(await this.#register());
      await write();
    }
  }

  async #view(): Promise<NodeView> {
    const { clock, runtime, facts, addresses, problems } = this.#options;
    const found = await addresses();
    // Without an address for a moment, it has its last one.
    if (found.length > 0) this.#addresses = found;
    const common = {
      facts: await facts(),
      addresses: this.#addresses,
      problems: problems(),
      pressures: this.#options.pressures.current,
      now: timestamp(clock.now()),
    };
    const known = this.#status?.nodeInfo?.containerRuntimeVersion ?? "";
    try {
      const [status, version, images] = await Promise.all([runtime.status(), runtime.version(), runtime.listImages()]);
      const runtimeVersion = `${version.runtimeName}://${version.runtimeVersion}`;
      return { ...common, runtime: status, runtimeError: "", runtimeVersion, images };
    } catch (error) {
      return { ...common, runtime: undefined, images: [], runtimeError: reasonOf(error), runtimeVersion: known };
    }
  }
}

function isReady(status: NodeStatus | undefined): boolean {
  return status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
}

/** But for the times at which it was looked. */
function isSame(a: NodeStatus, b: NodeStatus | undefined): boolean {
  const comparable = ({ conditions = [], ...rest }: NodeStatus) => ({
    ...rest,
    conditions: conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
  });
  if (!b) return false;
  const own = new Set(a.conditions?.map(({ type }) => type));
  // Others have conditions of their own there.
  const conditions = (b.conditions ?? []).filter(({ type }) => own.has(type));
  const known = comparable({ ...b, conditions }) as Record<string, unknown>;
  return Object.entries(comparable(a)).every(([key, value]) => isDeepStrictEqual(value, known[key]));
}
