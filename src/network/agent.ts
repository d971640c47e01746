/**
 * The node's part of the cluster's network: follows Node objects, keeps overlay and masquerade as they want them, tells
 * other nodes of this one, and says whether pods can be added.
 */
import { messageOf } from "../errors/message.ts";
import type { Client } from "../api/client.ts";
import { Informer } from "../api/informer.ts";
import { resourceTypes } from "../api/resource_types.ts";
import type { GenericNetlinkPort, NftablesPort, RoutingPort, SysctlPort } from "../kernel/ports.ts";
import { cidrText, type Cidr } from "../model/cidr.ts";
import type { Node } from "../model/kubernetes.ts";
import type { Clock } from "../reconcile/clock.ts";
import { WorkQueue } from "../reconcile/work_queue.ts";
import { enableForwarding } from "./forwarding.ts";
import { availableCondition } from "./available.ts";
import { keepNode } from "./keep_node.ts";
import { deriveMasquerade, type MasqueradeOptions } from "./masquerade/derive.ts";
import { MasqueradeTables } from "./masquerade/masquerade.ts";
import { decodeNode } from "./overlay/decode.ts";
import { Overlay, type OverlayStatus } from "./overlay/overlay.ts";
import { families, type OverlayOptions } from "./overlay/state.ts";

export interface AgentLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What tells the container runtime that there is a network: the conflist. Both are idempotent. */
export interface Announcement {
  write(): Promise<void>;
  remove(): Promise<void>;
}

export interface NetworkAgentOptions {
  readonly client: Client;
  readonly nodeName: string;
  readonly overlay: OverlayOptions;
  readonly masquerade: MasqueradeOptions;
  /** Of pods' links; undefined: what fits. */
  readonly mtu: number | undefined;
  /** For the agent alone: a port does one thing after another. */
  readonly routing: RoutingPort;
  readonly nftables: NftablesPort;
  /** Needed where the overlay's options say something of checksums. */
  readonly generic?: GenericNetlinkPort;
  readonly sysctl: SysctlPort;
  readonly announcement: Announcement;
  readonly clock: Clock;
  readonly log: AgentLog;
  /** Told when the overlay's links may have changed. A failure is told, and the next time it is tried again. */
  readonly onOverlay?: (status: OverlayStatus) => Promise<void>;
  /** Told of each failure, by the part that had it. */
  readonly onError?: (part: "api" | "overlay" | "masquerade" | "node" | "conflist") => void;
}

/** A network that is away for a moment is not taken back: pods are refused one by one meanwhile, in ms. */
const graceMs = 10_000;
/** What a server that does not answer is waited for before it is said, in ms. */
const patienceMs = 30_000;
const backoff = { firstMs: 200, maxMs: 30_000 };
const ordinaryMtu = 1500;

export class NetworkAgent {
  readonly #options: NetworkAgentOptions;
  readonly #nodes: Informer<Node>;
  readonly #overlay: Overlay;
  readonly #masquerade: MasqueradeTables;
  /** Work on what is not the kernel: this node's Node object, and the conflist. */
  readonly #queue: WorkQueue;
  readonly #cidrs = new Map<string, readonly Cidr[]>();
  #status: OverlayStatus | undefined;
  #waitsFor: string | undefined = "the agent has just started";
  #unreadySinceMs: number;
  #told = new Map<string, string>();
  #stopped = false;

  constructor(options: NetworkAgentOptions) {
    const { client, nodeName, clock } = options;
    this.#options = options;
    this.#unreadySinceMs = clock.now();
    const failed = (part: Parameters<NonNullable<NetworkAgentOptions["onError"]>>[0], what: string) => {
      return (error: unknown): void => this.#failed(part, what, error);
    };
    this.#nodes = new Informer(client, resourceTypes.nodes, {
      keep: keepNode,
      clock,
      onError: failed("api", "cannot follow nodes"),
    });
    this.#overlay = new Overlay({
      options: options.overlay,
      nodeName,
      routing: options.routing,
      ...(options.generic ? { generic: options.generic } : {}),
      clock,
      onStatus: (status) => this.#onStatus(status),
      onError: failed("overlay", "cannot set the overlay up"),
    });
    this.#masquerade = new MasqueradeTables({
      nftables: options.nftables,
      clock,
      onError: failed("masquerade", "cannot set masquerading up"),
      onDone: () => this.#judge(),
    });
    const work: Readonly<Record<string, () => Promise<{ readonly againAfterMs: number } | undefined>>> = {
      node: () => this.#publish(),
      conflist: () => this.#announce(),
    };
    this.#queue = new WorkQueue({
      reconcile: (key) => work[key]!(),
      backoff,
      clock,
      onError: (key, error) => this.#failed(key as "node" | "conflist", `cannot write the ${key}`, error),
    });
  }

  /** Why pods cannot be added now; undefined: they can. */
  get notReady(): string | undefined {
    return this.#waitsFor;
  }

  /** The node's ranges of pods' addresses, IPv4's first. */
  get podCidrs(): readonly string[] {
    return families.flatMap((family) => {
      const cidr = this.#status?.podCidrs[family];
      return cidr ? [cidrText(cidr)] : [];
    });
  }

  /** Of pods' links, in bytes. */
  get podMtu(): number {
    return this.#options.mtu ?? this.#status?.podMtu ?? ordinaryMtu;
  }

  get status(): OverlayStatus | undefined {
    return this.#status;
  }

  /** Begins; resolves when the nodes are known. What comes then is told by `notReady`. */
  async start(): Promise<void> {
    const { sysctl, routing, log } = this.#options;
    await enableForwarding(sysctl, routing);
    this.#queue.start();
    this.#queue.add("conflist");
    this.#nodes.subscribe({
      onAdd: (node) => this.#onNode(node),
      onUpdate: (_, node) => this.#onNode(node),
      onDelete: ({ metadata: { name } }) => this.#onNodeGone(name),
    });
    this.#nodes.start();
    this.#waitsFor = "the API server has not told of the nodes yet";
    while (!this.#stopped && !(await this.#nodes.synced(patienceMs))) log.warn({}, "the nodes have not come yet");
    if (this.#stopped) return;
    if (!this.#cidrs.has(this.#options.nodeName)) {
      this.#waitsFor = `there is no Node ${this.#options.nodeName} yet`;
      log.warn({}, this.#waitsFor);
    }
    this.#overlay.start();
  }

  /** Everything that pods need stays. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#nodes.stop();
    await Promise.all([this.#overlay.stop(), this.#masquerade.stop(), this.#queue.stop()]);
  }

  #onNode(node: Node): void {
    const { name, podCidrs } = decodeNode(node);
    this.#cidrs.set(name, Object.values(podCidrs));
    this.#overlay.setNode(node);
    this.#setMasquerade();
    if (name === this.#options.nodeName) this.#queue.add("node");
  }

  #onNodeGone(name: string): void {
    // This node's pods run on.
    if (name === this.#options.nodeName) return;
    this.#cidrs.delete(name);
    this.#overlay.deleteNode(name);
    this.#setMasquerade();
  }

  #onStatus(status: OverlayStatus): void {
    this.#status = status;
    this.#options.onOverlay?.(status).catch((error: unknown) => this.#failed("overlay", "cannot follow it", error));
    this.#setMasquerade();
    this.#queue.add("node");
    this.#tell(status.problems);
    this.#judge();
  }

  /** Before every node is known, what is there stays: packets to a node that is not would be changed. */
  #setMasquerade(): void {
    if (!this.#nodes.isSynced || !this.#status) return;
    const all = [...this.#cidrs.values()].flat();
    for (const family of families) {
      const { masquerade } = this.#options;
      this.#masquerade.set(family, deriveMasquerade(family, masquerade, this.#status.podCidrs[family], all));
    }
  }

  #judge(): void {
    const before = this.#waitsFor;
    const masquerading = this.#masquerade.wasDone ? undefined : "masquerading is not set up yet";
    this.#waitsFor = this.#status ? (this.#status.obstacle ?? masquerading) : before;
    if (this.#waitsFor === before) return;
    if (this.#waitsFor === undefined) this.#options.log.info({ mtu: this.podMtu, podCidrs: this.podCidrs }, "ready");
    else this.#options.log.warn({ why: this.#waitsFor }, "pods cannot be added");
    if (before === undefined) this.#unreadySinceMs = this.#options.clock.now();
    this.#queue.add("conflist");
  }

  async #announce(): Promise<{ readonly againAfterMs: number } | undefined> {
    if (this.#waitsFor === undefined) {
      await this.#options.announcement.write();
      return undefined;
    }
    const leftMs = this.#unreadySinceMs + graceMs - this.#options.clock.now();
    if (leftMs > 0) return { againAfterMs: leftMs };
    await this.#options.announcement.remove();
    return undefined;
  }

  /** What others need to know of this node. With the status, as flannel does it: it gives no right to the spec. */
  async #publish(): Promise<undefined> {
    const { client, nodeName, clock } = this.#options;
    const node = this.#nodes.objects.get(nodeName);
    if (!node || !this.#status || this.#status.obstacle !== undefined) return;
    const there = node.metadata.annotations ?? {};
    const differing = Object.entries(this.#status.annotations).filter(
      ([name, value]) => (there[name] ?? null) !== value,
    );
    const available = availableCondition(node, clock.now());
    if (differing.length === 0 && !available) return;
    const body = {
      ...(differing.length === 0 ? {} : { metadata: { annotations: Object.fromEntries(differing) } }),
      ...(available ? { status: { conditions: [available] } } : {}),
    };
    await client.patch(resourceTypes.nodes, { name: nodeName }, { type: "strategic", body }, { subresource: "status" });
  }

  /** Each node's problems once, and again when they are others. */
  #tell(problems: OverlayStatus["problems"]): void {
    for (const [node, lines] of problems) {
      const text = lines.join("; ");
      if (this.#told.get(node) !== text) this.#options.log.warn({ node, why: text }, "its pods cannot be reached");
    }
    this.#told = new Map([...problems].map(([node, lines]) => [node, lines.join("; ")]));
  }

  #failed(part: Parameters<NonNullable<NetworkAgentOptions["onError"]>>[0], what: string, error: unknown): void {
    if (this.#stopped) return;
    this.#options.onError?.(part);
    const text = messageOf(error);
    this.#options.log.warn({ error: text }, `${what}; it is tried again`);
  }
}
