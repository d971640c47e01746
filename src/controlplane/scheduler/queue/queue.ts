/**
 * Pods that wait for a node: active, in back-off, or set aside until an event could help them
 * (pkg/scheduler/backend/queue). There is one entry for each pending pod.
 */
import type { Clock } from "../../../reconcile/clock.ts";
import type { ClusterEvent } from "../framework/events.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { Heap } from "./heap.ts";
import { comesBefore, type QueuedPod, type Stay } from "./queued_pod.ts";

/** podInitialBackoffSeconds, podMaxBackoffSeconds */
const firstBackoffMs = 1000;
const longestBackoffMs = 10_000;
/** What waits longer than this is tried anyway (podMaxInUnschedulablePodsDuration), looked for this often. */
const longestUnschedulableMs = 5 * 60_000;
const flushPeriodMs = 30_000;

export interface QueueOptions {
  readonly clock: Clock;
  /** Whether an event could help a pod past what rejected it. */
  readonly helps: (plugin: string, event: ClusterEvent, pod: PodInfo) => boolean;
  /** Called when a pod became active. */
  readonly onActive: () => void;
}

export class SchedulingQueue {
  readonly #options: QueueOptions;
  readonly #pods = new Map<string, QueuedPod>();
  readonly #active = new Heap<Stay>(comesBefore);
  readonly #backoff = new Heap<Stay>((a, b) => a.at < b.at);
  /** Pods set aside, by each plugin that rejected them; "" has those that no plugin rejected. */
  readonly #waiting = new Map<string, Set<QueuedPod>>();
  #turns = 0;
  #cancelTimer: (() => void) | undefined;
  #cancelFlush: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  start(): void {
    const flush = (): void => {
      this.#flush();
      this.#cancelFlush = this.#options.clock.after(flushPeriodMs, flush);
    };
    this.#cancelFlush = this.#options.clock.after(flushPeriodMs, flush);
  }

  stop(): void {
    this.#cancelFlush?.();
    this.#cancelTimer?.();
  }

  /** Pending pods, those in flight among them. */
  get size(): number {
    return this.#pods.size;
  }

  get(uid: string): Readonly<QueuedPod> | undefined {
    return this.#pods.get(uid);
  }

  add(info: PodInfo): void {
    if (this.#pods.has(info.uid)) return this.update(info, false);
    const since = this.#options.clock.now();
    const pod: QueuedPod = {
      info,
      place: "gated",
      attempts: 0,
      since,
      rejectedBy: new Set(),
      readyAt: 0,
      held: "no",
      turn: 0,
    };
    this.#pods.set(info.uid, pod);
    if (!isGated(info)) this.#activate(pod);
  }

  /** @param isOtherPod its spec or labels changed, so that it may fit now */
  update(info: PodInfo, isOtherPod: boolean): void {
    const pod = this.#pods.get(info.uid);
    if (!pod) return;
    pod.info = info;
    if (pod.place === "gated") {
      if (isGated(info)) return;
      pod.since = this.#options.clock.now();
      this.#activate(pod);
    } else if (pod.place === "unschedulable" && isOtherPod) this.#wake(pod);
  }

  delete(uid: string): void {
    const pod = this.#pods.get(uid);
    if (!pod) return;
    this.#pods.delete(uid);
    this.#setAside(pod, false);
    pod.place = "gone";
    pod.turn = ++this.#turns;
  }

  /** The next pod, which is in flight from now on. */
  pop(): QueuedPod | undefined {
    for (let stay = this.#active.pop(); stay; stay = this.#active.pop()) {
      const { pod } = stay;
      if (pod.turn !== stay.turn) continue;
      pod.place = "inFlight";
      pod.attempts++;
      return pod;
    }
    return undefined;
  }

  /** No node fitted: it waits for what could help past these plugins (none named: for anything). */
  setAside(pod: QueuedPod, rejectedBy: ReadonlySet<string>): void {
    if (this.#pods.get(pod.info.uid) !== pod) return;
    pod.place = "unschedulable";
    pod.since = this.#options.clock.now();
    pod.rejectedBy = rejectedBy;
    this.#setAside(pod, true);
  }

  /** Something went wrong: once more after its back-off. */
  retry(pod: QueuedPod): void {
    if (this.#pods.get(pod.info.uid) !== pod) return;
    pod.since = this.#options.clock.now();
    this.#backOff(pod);
  }

  /** Something happened: wakes whom it could help. */
  onEvent(event: ClusterEvent): void {
    for (const [plugin, pods] of this.#waiting) {
      for (const pod of pods) {
        if (plugin === "" || this.#options.helps(plugin, event, pod.info)) this.#wake(pod);
      }
    }
  }

  /** It is not woken before release(). */
  hold(pod: QueuedPod): void {
    pod.held = "held";
  }

  /** @param isFailed what it waits for does not come: it tries again by itself */
  release(pod: QueuedPod, isFailed: boolean): void {
    const wasWoken = pod.held === "woken";
    pod.held = "no";
    if ((wasWoken || isFailed) && pod.place === "unschedulable") this.#wake(pod);
  }

  #wake(pod: QueuedPod): void {
    if (pod.held !== "no") {
      pod.held = "woken";
      return;
    }
    this.#setAside(pod, false);
    this.#backOff(pod);
  }

  #backOff(pod: QueuedPod): void {
    pod.readyAt = pod.since + backoffMs(pod.attempts);
    if (pod.readyAt <= this.#options.clock.now()) return this.#activate(pod);
    pod.place = "backoff";
    pod.turn = ++this.#turns;
    this.#backoff.push({ pod, priority: 0, at: pod.readyAt, turn: pod.turn });
    this.#setTimer();
  }

  #activate(pod: QueuedPod): void {
    pod.place = "active";
    pod.turn = ++this.#turns;
    this.#active.push({ pod, priority: pod.info.priority, at: pod.since, turn: pod.turn });
    this.#options.onActive();
  }

  #setAside(pod: QueuedPod, isAside: boolean): void {
    const plugins = pod.rejectedBy.size === 0 ? [""] : pod.rejectedBy;
    for (const plugin of plugins) {
      const pods = this.#waiting.get(plugin);
      if (!isAside) pods?.delete(pod);
      else if (pods) pods.add(pod);
      else this.#waiting.set(plugin, new Set([pod]));
    }
  }

  /** One timer, for the back-off that is over first. */
  #setTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { clock } = this.#options;
    for (let next = this.#backoff.peek(); next; next = this.#backoff.peek()) {
      const { pod, turn, at } = next;
      if (pod.turn !== turn) this.#backoff.pop();
      else if (at <= clock.now()) {
        this.#backoff.pop();
        this.#activate(pod);
      } else {
        this.#cancelTimer = clock.after(at - clock.now(), () => this.#setTimer());
        return;
      }
    }
  }

  #flush(): void {
    const before = this.#options.clock.now() - longestUnschedulableMs;
    for (const pods of this.#waiting.values()) {
      for (const pod of pods) if (pod.since <= before) this.#wake(pod);
    }
  }
}

export function isGated({ pod: { spec } }: PodInfo): boolean {
  return (spec.schedulingGates ?? []).length > 0;
}

/** 1 s after the first attempt, doubled with each further one. */
function backoffMs(attempts: number): number {
  return attempts === 0 ? 0 : Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(attempts - 1, 20));
}
