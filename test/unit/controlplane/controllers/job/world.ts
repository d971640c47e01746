/** A Job and its pods in memory: what a plan asks for happens, but for what the test makes of the pods. */
import { noBackoff, type Backoff } from "../../../../../src/controlplane/controllers/job/backoff.ts";
import { indexOf, trackingFinalizer } from "../../../../../src/controlplane/controllers/job/job_pods.ts";
import { plan, type Plan } from "../../../../../src/controlplane/controllers/job/plan.ts";
import type { Job, Pod } from "../../../../../src/model/kubernetes.ts";
import { timestamp } from "../../../../../src/model/timestamp.ts";

export const start = Date.parse("2026-01-01T00:00:00Z");

export class World {
  nowMs = start;
  job: Job;
  pods: Pod[] = [];
  backoff: Backoff = noBackoff;
  readonly said: string[] = [];
  #made = 0;

  constructor(spec: Partial<Job["spec"]> = {}) {
    this.job = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        namespace: "ns",
        name: "work",
        uid: "job-uid",
        resourceVersion: "1",
        creationTimestamp: timestamp(start),
      },
      spec: {
        parallelism: 1,
        backoffLimit: 6,
        completionMode: "NonIndexed",
        podReplacementPolicy: "TerminatingOrFailed",
        template: { spec: { restartPolicy: "Never", containers: [{ name: "main" }] } },
        ...("completions" in spec ? {} : { completions: 1 }),
        ...spec,
      },
      status: {},
    };
  }

  /** One reconciliation, carried out. */
  sync(): Plan {
    const planned = plan({ job: this.job, pods: this.pods, backoff: this.backoff }, this.nowMs);
    for (const step of planned.steps) {
      if (step.kind === "create-pods") for (const pod of step.pods) this.#add(pod as Pod);
      else for (const pod of step.pods) this.remove(pod, step.isReleased);
    }
    if (planned.status) this.job = { ...this.job, status: planned.status };
    this.said.push(...planned.events.map(({ type, reason, message }) => `${type} ${reason} ${message}`));
    for (const { metadata } of planned.release) this.#release(metadata.uid);
    this.backoff = planned.backoff;
    return planned;
  }

  /** Until nothing changes any more. */
  settle(): void {
    for (let i = 0; i < 20; i++) {
      const before = JSON.stringify([this.job, this.pods]);
      this.sync();
      if (JSON.stringify([this.job, this.pods]) === before) return;
    }
    throw new Error("it does not come to rest");
  }

  get status(): NonNullable<Job["status"]> {
    return this.job.status!;
  }

  /** "Complete", or "Failed: why" */
  get outcome(): string | undefined {
    const over = this.status.conditions?.find(({ type }) => type === "Complete" || type === "Failed");
    return over && `${over.type}: ${over.reason ?? ""}`;
  }

  get active(): Pod[] {
    return this.pods.filter((pod) => pod.status?.phase === "Running" && pod.metadata.deletionTimestamp === undefined);
  }

  indexed(index: number): Pod {
    return this.active.find((pod) => indexOf(pod) === index)!;
  }

  end(pod: Pod, phase: "Succeeded" | "Failed", exitCode = phase === "Failed" ? 1 : 0): void {
    const terminated = { exitCode, finishedAt: timestamp(this.nowMs) };
    this.change(pod, { phase, containerStatuses: [{ name: "main", state: { terminated } }] as never });
  }

  change(pod: Pod, status: Pod["status"]): void {
    this.pods = this.pods.map((one) =>
      one.metadata.uid === pod.metadata.uid ? { ...one, status: { ...one.status, ...status } } : one,
    );
  }

  /** Deletes: it is gone when nothing holds it and its containers have ended. */
  remove(pod: Pod, released = false): void {
    this.pods = this.pods.map((one) =>
      one.metadata.uid === pod.metadata.uid
        ? { ...one, metadata: { ...one.metadata, deletionTimestamp: timestamp(this.nowMs) } }
        : one,
    );
    if (released) this.#release(pod.metadata.uid);
  }

  /** The kubelet has ended what is deleted; the API server drops what nothing holds. */
  reap(): void {
    this.pods = this.pods.filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined || (metadata.finalizers ?? []).length > 0,
    );
  }

  #add(pod: Pod): void {
    const name = `${pod.metadata.generateName!}${++this.#made}`;
    const metadata = { ...pod.metadata, name, namespace: "ns", uid: name, resourceVersion: "1" };
    this.pods.push({
      ...pod,
      metadata: { ...metadata, creationTimestamp: timestamp(this.nowMs) },
      status: { phase: "Running" },
    });
  }

  #release(uid: string): void {
    this.pods = this.pods.map((pod) =>
      pod.metadata.uid === uid
        ? {
            ...pod,
            metadata: { ...pod.metadata, finalizers: pod.metadata.finalizers!.filter((f) => f !== trackingFinalizer) },
          }
        : pod,
    );
  }
}
