/** Carries a preemption out: marks and deletes the victims, and takes promises back that hold no more. */
import type { Client } from "../../../api/client.ts";
import type { EventRecorder } from "../../../api/event_recorder.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { Clock } from "../../../reconcile/clock.ts";
import { changedCondition, disruptionTarget } from "../binding/conditions.ts";
import { patchStatus, type StatusWriter } from "../binding/status_writer.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { schedulerName, type PodInfo } from "../model/pod_info.ts";
import type { Candidate } from "./victims.ts";

export interface PreemptorOptions {
  readonly client: Client;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly cluster: Cluster;
  readonly statuses: StatusWriter;
}

export class Preemptor {
  readonly #options: PreemptorOptions;

  constructor(options: PreemptorOptions) {
    this.#options = options;
  }

  /** @throws StatusError of the first victim that could not be deleted; the others were tried too */
  async preempt(pod: PodInfo, { nodeName, victims }: Candidate): Promise<void> {
    this.#withdrawPromises(pod, nodeName);
    const leaving = victims.filter(({ isTerminating }) => !isTerminating);
    const ends = await Promise.allSettled(leaving.map((victim) => this.#evict(pod, victim, nodeName)));
    const failed = ends.find(({ status }) => status === "rejected");
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }

  async #evict(pod: PodInfo, victim: PodInfo, nodeName: string): Promise<void> {
    const { client, events, clock } = this.#options;
    const { namespace, name, uid } = victim;
    try {
      const condition = changedCondition(victim.pod, disruptionTarget(schedulerName), clock.now());
      if (condition) await patchStatus(client, { pod: victim.pod, conditions: [condition] });
      await client.delete(resourceTypes.pods, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    events.event(victim.pod, "Normal", "Preempted", `Preempted by pod ${pod.uid} on node ${nodeName}`);
  }

  /** Pods of lower priority that were to come to this node may not fit any more: they look for another. */
  #withdrawPromises(pod: PodInfo, nodeName: string): void {
    const { cluster, statuses } = this.#options;
    for (const other of cluster.nominations.on(nodeName)) {
      if (other.uid === pod.uid || other.priority >= pod.priority) continue;
      cluster.nominations.delete(other.uid);
      statuses.write({ pod: other.pod, nominatedNodeName: null });
    }
  }
}
