/**
 * Takes away what a runtime forgot to: sandboxes that went without a DEL (it was killed in their midst, or somebody
 * removed their namespaces). CNI has GC for it, which no runtime calls before containerd 2.
 */
import type { Link } from "../../kernel/netlink/rtnetlink/link.ts";
import { systemClock, type Clock } from "../../reconcile/clock.ts";
import { WorkQueue } from "../../reconcile/work_queue.ts";
import type { PodAttachment } from "../state/detail.ts";
import { keyOf, planSince, whyAbandoned, type Seen, type Since } from "./plan.ts";

export interface AbandonedSettings {
  readonly attached: () => readonly PodAttachment[];
  /** Links that the kernel has. */
  readonly links: () => Promise<readonly Link[]>;
  /** Ids of all sandboxes that the runtime knows; undefined: there is none that could be asked. */
  readonly sandboxes: (() => Promise<readonly string[]>) | undefined;
  /** Removes it, unless it went meanwhile. */
  readonly release: (attachment: PodAttachment) => Promise<void>;
  /** Runs work when no call for the container does. */
  readonly inTurn: (containerId: string, work: () => Promise<void>) => Promise<void>;
  readonly onReleased: (attachment: PodAttachment, why: string) => void;
  readonly onError: (error: unknown) => void;
  readonly clock?: Clock;
}

const everyMs = 60_000;
/**
 * A sandbox has its network before the runtime lists it, and loses its link before its DEL comes; neither takes as long
 * as this, in ms.
 */
export const graceMs = 300_000;
const backoff = { firstMs: 1000, maxMs: everyMs };
const theQueue = "abandoned attachments";

export class Abandoned {
  readonly #settings: AbandonedSettings;
  readonly #clock: Clock;
  readonly #queue: WorkQueue;
  #since: Since = new Map();

  constructor(settings: AbandonedSettings) {
    this.#settings = settings;
    this.#clock = settings.clock ?? systemClock;
    this.#queue = new WorkQueue({
      reconcile: () => this.#turn(),
      workers: 1,
      backoff,
      onError: (_, error) => settings.onError(error),
      clock: this.#clock,
    });
  }

  start(): void {
    this.#queue.start();
    this.#queue.addAfter(theQueue, everyMs);
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
  }

  async #turn(): Promise<{ readonly againAfterMs: number }> {
    const { attached } = this.#settings;
    // Before what they are compared with: what comes meanwhile is not among them.
    const attachments = attached();
    if (attachments.length > 0) await this.#judge(attachments, await this.#look());
    return { againAfterMs: everyMs };
  }

  async #look(): Promise<Seen> {
    const { links, sandboxes, onError } = this.#settings;
    const names = (await links()).flatMap(({ name }) => name ?? []);
    // A runtime that does not answer says nothing of its sandboxes; what the kernel says still holds.
    const known = await sandboxes?.().catch((error: unknown) => onError(error));
    return { links: new Set(names), sandboxes: known ? new Set(known) : undefined };
  }

  async #judge(attachments: readonly PodAttachment[], seen: Seen): Promise<void> {
    const { inTurn, release, onReleased } = this.#settings;
    const nowMs = this.#clock.now();
    this.#since = planSince(this.#since, attachments, seen, nowMs);
    const errors: unknown[] = [];
    for (const attachment of attachments) {
      const sinceMs = this.#since.get(keyOf(attachment));
      if (sinceMs === undefined || nowMs - sinceMs < graceMs) continue;
      const done = inTurn(attachment.containerId, () => release(attachment));
      await done.then(
        () => onReleased(attachment, whyAbandoned(attachment, seen)!),
        (error: unknown) => errors.push(error),
      );
    }
    if (errors.length > 0) throw errors[0];
  }
}
