/** What the kubelet remembers of one pod between two plans. All of it can be found again but for waits and probes. */
import type { Pod } from "../../model/kubernetes.ts";
import type { FoundImage } from "../images/ensure.ts";
import type { PreparedVolumes } from "../volumes/pod_volumes.ts";
import { nextBackoff, type Backoff, type BackoffBounds } from "./backoff.ts";
import { nothingObserved, type ObservedContainer, type ObservedPod, type ObservedSandbox } from "./observed.ts";
import type { ContainerWait, Hold, Termination } from "./plan_input.ts";
import type { PodStart } from "./start_times.ts";
import type { Failure, PodStatus } from "./status/input.ts";

export class PodState {
  /** As the API has it. */
  pod: Pod;
  /** The API has it no more. */
  isGone = false;
  observed: ObservedPod = nothingObserved;
  /** Images of containers that are about to be started. */
  readonly images = new Map<string, FoundImage>();
  readonly holds = new Map<string, Hold>();
  readonly crashes = new Map<string, Backoff>();
  readonly pulls = new Map<string, Backoff>();
  /** For last words of containers that are about to be made, by their names. */
  readonly messageFiles = new Map<string, Promise<string>>();
  volumes: PreparedVolumes | undefined;
  /** What they show may have changed. */
  areVolumesStale = false;
  isCleanedUp = false;
  /** Nothing is left to be done for it. */
  isReleased = false;
  /** The kubelet ends it by itself. */
  termination: (Termination & { readonly failure?: Failure }) | undefined;
  /** The runtime has it, and nobody else knows of it. */
  isRuntimeOnly = false;
  /** Of a pod that is new here, until the API shows it running. */
  start: PodStart | undefined;
  /** It was not let in: nothing of it was ever begun. */
  isRejected = false;
  /** When its grace period is over. */
  endsAtMs: number | undefined;
  /** When each container that is being stopped is killed. */
  readonly killAtMs = new Map<string, number>();
  /** Attempts below this one are taken, whatever came of them. */
  nextSandboxAttempt = 0;
  waits: ReadonlyMap<string, ContainerWait> = new Map();
  /** The status that was written last. */
  written: PodStatus | undefined;
  readonly busy = new Set<string>();

  constructor(pod: Pod) {
    this.pod = pod;
  }

  /** Its status as it will be in the API: what was written, with what others wrote. */
  get current(): Pod {
    const { written, pod } = this;
    if (!written) return pod;
    const own = new Set(written.conditions?.map(({ type }) => type));
    const others = (pod.status?.conditions ?? []).filter(({ type }) => !own.has(type));
    return { ...pod, status: { ...pod.status, ...written, conditions: [...(written.conditions ?? []), ...others] } };
  }

  putSandbox(sandbox: ObservedSandbox): void {
    const others = this.observed.sandboxes.filter(({ id }) => id !== sandbox.id);
    const sandboxes = [...others, sandbox].sort((a, b) => b.createdAtMs - a.createdAtMs || b.attempt - a.attempt);
    this.observed = { ...this.observed, sandboxes };
  }

  putContainer(container: ObservedContainer): void {
    const others = this.observed.containers.filter(({ id }) => id !== container.id);
    const containers = [...others, container].sort((a, b) => b.createdAtMs - a.createdAtMs);
    this.observed = { ...this.observed, containers };
  }

  dropContainer(id: string): void {
    this.observed = { ...this.observed, containers: this.observed.containers.filter((one) => one.id !== id) };
  }

  dropSandbox(id: string): void {
    this.observed = {
      sandboxes: this.observed.sandboxes.filter((one) => one.id !== id),
      containers: this.observed.containers.filter((one) => one.sandboxId !== id),
    };
  }

  /** Notes that a container that ended is started again: the next wait is longer. */
  noteRestart(name: string, finishedAtMs: number, nowMs: number, bounds: BackoffBounds): void {
    this.crashes.set(name, nextBackoff(this.crashes.get(name), finishedAtMs, nowMs, bounds));
  }

  isBusy(prefix: string): boolean {
    for (const key of this.busy) if (key.startsWith(prefix)) return true;
    return false;
  }
}
