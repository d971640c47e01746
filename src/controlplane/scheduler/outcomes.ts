/** What follows a cycle: a binding, or the word why there is none and another try. */
import { messageOf } from "../../errors/message.ts";
import { keyText } from "../../api/client.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import { isNotFound } from "../../api/status_error.ts";
import type { Assumptions } from "./assumptions.ts";
import { BindingError, type Binder } from "./binding/binder.ts";
import { changedCondition, podScheduledFalse } from "./binding/conditions.ts";
import type { StatusWriter } from "./binding/status_writer.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { SchedulerContext } from "./context.ts";
import type { Cycles, Decision } from "./framework/cycle.ts";
import type { ClusterEvent } from "./framework/events.ts";
import { fitErrorMessage, noNodes } from "./framework/fit_error.ts";
import { planPreemption } from "./preemption/plan.ts";
import type { Preemptor } from "./preemption/preemptor.ts";
import type { Candidate } from "./preemption/victims.ts";
import type { QueuedPod } from "./queue/queued_pod.ts";
import type { SchedulingQueue } from "./queue/queue.ts";

/** Events' messages are cut at this many characters (events.k8s.io/v1 note). */
const longestMessage = 1024;

export interface OutcomesOptions extends SchedulerContext {
  readonly cluster: Cluster;
  readonly queue: SchedulingQueue;
  readonly statuses: StatusWriter;
  readonly binder: Binder;
  readonly assumptions: Assumptions;
  readonly preemptor: Preemptor;
  readonly random: () => number;
  readonly onEvent: (event: ClusterEvent) => void;
}

type BindDecision = Extract<Decision, { type: "Bind" }>;
type UnschedulableDecision = Extract<Decision, { type: "Unschedulable" }>;

export class Outcomes {
  readonly #options: OutcomesOptions;
  onBindingEnded: () => void = () => undefined;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** Decides on a pod and acts on it. */
  of(queued: QueuedPod, cycles: Cycles): void {
    const { queue, log } = this.#options;
    const { info } = queued;
    // It goes: whoever deletes it does not want it to run.
    if (info.isTerminating) return queue.delete(info.uid);
    try {
      const decision = cycles.decide(info);
      if (decision.type === "Bind") this.#bind(queued, decision);
      else if (decision.type === "NoNodes") this.#reject(queued, noNodes, new Set());
      else this.#unschedulable(queued, decision);
    } catch (err) {
      log.error({ pod: info.key, err }, "a pod cannot be scheduled for an error; it is tried again");
      this.#failed(queued, err);
    }
  }

  /** Of a pod that was bound the API showed nothing in time. */
  expired(uid: string): void {
    const { cluster, informers, log, onEvent } = this.#options;
    if (!cluster.isAssumed(uid)) return;
    const queued = this.#options.queue.get(uid);
    log.warn({ uid, pod: queued?.info.key }, "a pod was bound and did not show its node in time");
    cluster.removePod(uid);
    if (!queued) return;
    onEvent({ type: "PodDelete", pod: queued.info });
    const pod = informers.of(resourceTypes.pods).objects.get(queued.info.key);
    if (pod?.metadata.uid === uid && !pod.spec.nodeName) this.#options.queue.retry(queued);
    else this.#options.queue.delete(uid);
  }

  #bind(queued: QueuedPod, decision: BindDecision): void {
    const { cluster, binder } = this.#options;
    const { info } = queued;
    const { nodeName } = decision;
    cluster.nominations.delete(info.uid);
    cluster.assume(info, nodeName);
    cluster.assumedVolumes.assume(decision.volumeSteps);
    binder.bind(
      info,
      decision,
      () => {
        cluster.assumedVolumes.forget(decision.volumeSteps);
        this.#bound(queued, nodeName);
      },
      (error) => {
        cluster.assumedVolumes.forget(decision.volumeSteps);
        this.#bindingFailed(queued, error);
      },
    );
  }

  #bound({ info }: QueuedPod, nodeName: string): void {
    const { cluster, assumptions, events } = this.#options;
    if (cluster.isAssumed(info.uid)) assumptions.bound(info.uid);
    events.event(info.pod, "Normal", "Scheduled", `Successfully assigned ${info.key} to ${nodeName}`);
    this.onBindingEnded();
  }

  #bindingFailed(queued: QueuedPod, error: unknown): void {
    const { cluster, queue, onEvent } = this.#options;
    const { info } = queued;
    this.onBindingEnded();
    // The API showed it on a node meanwhile: the answer was lost, or somebody else bound it.
    if (!cluster.isAssumed(info.uid)) return;
    cluster.removePod(info.uid);
    onEvent({ type: "PodDelete", pod: info });
    if (error instanceof BindingError && isNotFound(error.cause)) return queue.delete(info.uid);
    this.#failed(queued, error);
  }

  #unschedulable(queued: QueuedPod, decision: UnschedulableDecision): void {
    const { cluster, queue, random } = this.#options;
    const { diagnosis } = decision;
    const plan = planPreemption(queued.info, decision, cluster, random);
    if (plan.type === "Preempt") {
      const { nodeName } = plan.candidate;
      cluster.nominations.set(queued.info, nodeName);
      this.#reject(queued, fitErrorMessage(diagnosis), diagnosis.plugins, nodeName);
      queue.hold(queued);
      void this.#preempt(queued, plan.candidate);
      return;
    }
    const message = fitErrorMessage(diagnosis, plan.message);
    if (plan.type === "NotEligible") return this.#reject(queued, message, diagnosis.plugins);
    cluster.nominations.delete(queued.info.uid);
    this.#reject(queued, message, diagnosis.plugins, null);
  }

  async #preempt(queued: QueuedPod, candidate: Candidate): Promise<void> {
    const { preemptor, queue, log } = this.#options;
    try {
      await preemptor.preempt(queued.info, candidate);
      queue.release(queued, false);
    } catch (err) {
      log.warn({ pod: queued.info.key, err }, "preemption failed; it is tried again");
      queue.release(queued, true);
    }
  }

  #reject(queued: QueuedPod, message: string, plugins: ReadonlySet<string>, nominatedNodeName?: string | null): void {
    this.#options.queue.setAside(queued, plugins);
    this.#say(queued, "Unschedulable", message, nominatedNodeName);
  }

  #failed(queued: QueuedPod, error: unknown): void {
    const message = messageOf(error);
    this.#options.queue.retry(queued);
    this.#say(queued, "SchedulerError", message);
  }

  #say(
    { info }: QueuedPod,
    reason: "Unschedulable" | "SchedulerError",
    message: string,
    nominated?: string | null,
  ): void {
    const { informers, statuses, events, clock } = this.#options;
    const pod = informers.of(resourceTypes.pods).objects.get(keyText(info.pod.metadata)) ?? info.pod;
    events.event(pod, "Warning", "FailedScheduling", cut(message));
    const condition = changedCondition(pod, podScheduledFalse(reason, message), clock.now());
    const isNominated = nominated !== undefined && (nominated ?? "") !== (pod.status?.nominatedNodeName ?? "");
    if (!condition && !isNominated) return;
    statuses.write({
      pod,
      ...(condition ? { conditions: [condition] } : {}),
      ...(isNominated ? { nominatedNodeName: nominated } : {}),
    });
  }
}

function cut(message: string): string {
  const suffix = " ...";
  return message.length <= longestMessage ? message : message.slice(0, longestMessage - suffix.length) + suffix;
}
