/** Jobs: pods that run to their end, so many times (upstream: pkg/controller/job). */
import { keyOf, keyText } from "../../../api/client.ts";
import type { Informer } from "../../../api/informer.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNamespaceTerminating, isNotFound } from "../../../api/status_error.ts";
import type { Job, New, Pod } from "../../../model/kubernetes.ts";
import { labelMatcher } from "../../../model/label_selector.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import { semanticEqual } from "../../../model/equality.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { OwnWrites } from "../own_writes.ts";
import { candidates, followOwned, ownedIndex } from "../owned_index.ts";
import { applyClaim, claim, controllerOf } from "../ownership.ts";
import { PodControl } from "../pods/pod_control.ts";
import { asError, slowStart } from "../pods/slow_start.ts";
import { controllerQueue } from "../queue.ts";
import { noBackoff, type Backoff } from "./backoff.ts";
import { isFinished, type JobStatus } from "./conditions.ts";
import { isTracked, trackingFinalizer } from "./job_pods.ts";
import { isManagedElsewhere, plan, type Step } from "./plan.ts";

/** Changes of pods are counted together, in ms: each status that is written is the whole Job again. */
const podChangesMs = 50;

export const jobController: ControllerRow = {
  name: "job-controller",
  account: "job-controller",
  make: (context) => new JobController(context),
};

class JobController implements Controller {
  readonly #context: ControllerContext;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #jobWrites: OwnWrites<Job>;
  readonly #podWrites: OwnWrites<Pod>;
  readonly #control: PodControl;
  readonly #queue: WorkQueue;
  /** Pods that no Job counts any more. */
  readonly #orphans: WorkQueue;
  readonly #backoffs = new Map<string, Backoff>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#jobs = context.informers.of(resourceTypes.jobs);
    this.#pods = context.informers.of(resourceTypes.pods);
    this.#jobWrites = new OwnWrites(this.#jobs);
    this.#podWrites = new OwnWrites(this.#pods);
    this.#control = new PodControl(context.client, context.events);
    const { name } = jobController;
    this.#queue = controllerQueue(context, { name, reconcile: (key) => this.#reconcile(key) });
    this.#orphans = controllerQueue(context, { name, reconcile: (key) => this.#letOrphanGo(key) });
    this.#follow();
  }

  start(): void {
    this.#queue.start();
    this.#orphans.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#queue.stop(), this.#orphans.stop()]);
  }

  #follow(): void {
    const enqueue = (job: Job): void => this.#queue.add(keyText(keyOf(job)));
    this.#jobs.subscribe({
      onAdd: enqueue,
      onUpdate: (_, job) => enqueue(job),
      onDelete: (job) => {
        enqueue(job);
        for (const pod of ownedIndex(this.#pods).owned(job.metadata.uid)) this.#orphans.add(keyText(keyOf(pod)));
      },
    });
    followOwned({
      owners: this.#jobs,
      owned: this.#pods,
      selects: ({ spec }) => labelMatcher(spec.selector),
      enqueue: (key) => this.#queue.addAfter(key, podChangesMs),
    });
    const orphan = (pod: Pod): void => {
      if (isTracked(pod) && !this.#countingJob(pod)) this.#orphans.add(keyText(keyOf(pod)));
    };
    this.#pods.subscribe({ onAdd: orphan, onUpdate: (_, pod) => orphan(pod) });
  }

  /** The Job that will let a pod go. */
  #countingJob(pod: Pod): Job | undefined {
    const owner = controllerOf(pod);
    if (owner?.kind !== "Job") return undefined;
    const job = this.#jobs.objects.get(keyText({ namespace: pod.metadata.namespace, name: owner.name }));
    return job?.metadata.uid === owner.uid && !isFinished(job) ? job : undefined;
  }

  async #letOrphanGo(key: string): Promise<Outcome> {
    const pod = this.#pods.objects.get(key);
    if (!pod || !isTracked(pod) || this.#countingJob(pod)) return undefined;
    const owner = controllerOf(pod);
    if (owner && (owner.kind !== "Job" || !owner.apiVersion.startsWith("batch/"))) return undefined;
    const job = owner && this.#jobs.objects.get(keyText({ namespace: pod.metadata.namespace, name: owner.name }));
    if (job !== undefined && job.metadata.uid === owner?.uid && isManagedElsewhere(job)) return undefined;
    await this.#release(pod);
    return undefined;
  }

  async #reconcile(key: string): Promise<Outcome> {
    await Promise.all([this.#jobWrites.seen(key), this.#podWrites.seen(key)]);
    const job = this.#jobs.objects.get(key);
    if (!job) this.#backoffs.delete(key);
    if (!job || isManagedElsewhere(job)) return undefined;
    const pods = isFinished(job) ? ownedIndex(this.#pods).owned(job.metadata.uid) : await this.#claim(key, job);
    const backoff = this.#backoffs.get(key) ?? noBackoff;
    const planned = plan({ job, pods, backoff }, this.#context.clock.now());
    const { unmade, error } = await this.#applyAll(key, job, planned.steps);
    if (planned.status) await this.#tell(key, job, corrected(planned.status, unmade));
    for (const { type, reason, message } of planned.events) this.#context.events.event(job, type, reason, message);
    if (isFinished(planned.status ? { ...job, status: planned.status } : job)) this.#backoffs.delete(key);
    else this.#backoffs.set(key, planned.backoff);
    await Promise.all(planned.release.map((pod) => this.#release(pod, key)));
    if (error !== undefined) throw error;
    return planned.againAfterMs === undefined ? undefined : { againAfterMs: planned.againAfterMs };
  }

  async #claim(key: string, job: Job): Promise<readonly Pod[]> {
    const claimed = claim(job, labelMatcher(job.spec.selector), candidates(this.#pods, job));
    const { client } = this.#context;
    const pods = await applyClaim(client, {
      ownerType: resourceTypes.jobs,
      owner: job,
      type: resourceTypes.pods,
      claimed,
    });
    if (claimed.adopt.length === 0) return pods;
    const adopted = new Set(claimed.adopt.map(({ metadata }) => metadata.uid));
    return Promise.all(
      pods.map(async (pod) => {
        if (!adopted.has(pod.metadata.uid) || isTracked(pod)) return pod;
        const body = { metadata: { finalizers: [trackingFinalizer] } };
        const tracked = await client.patch(resourceTypes.pods, keyOf(pod), { type: "strategic", body });
        return this.#podWrites.wrote(key, tracked);
      }),
    );
  }

  /** @throws where pods could not be deleted: they are still to be counted, and nothing is said of them yet */
  async #applyAll(key: string, job: Job, steps: readonly Step[]): Promise<Made> {
    let made: Made = { unmade: 0 };
    for (const step of steps) {
      if (step.kind === "create-pods") made = await this.#create(key, job, step.pods);
      else await this.#delete(key, job, step);
    }
    return made;
  }

  async #delete(key: string, job: Job, { pods, isReleased }: Step & { kind: "delete-pods" }): Promise<void> {
    const results = await Promise.allSettled(
      pods.map(async (pod) => {
        if (isReleased) await this.#release(pod, key);
        if (await this.#control.delete(job, pod)) this.#podWrites.deleted(key, pod);
      }),
    );
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw asError(failed.reason);
  }

  async #create(key: string, job: Job, pods: readonly New<Pod>[]): Promise<Made> {
    let made = 0;
    const { error } = await slowStart(pods.length, async (i) => {
      try {
        this.#podWrites.wrote(key, await this.#control.create(job, pods[i]!));
        made++;
      } catch (failure) {
        if (!isNamespaceTerminating(failure)) throw failure;
      }
    });
    return { unmade: pods.length - made, ...(error === undefined ? {} : { error }) };
  }

  async #tell(key: string, job: Job, status: JobStatus): Promise<void> {
    if (semanticEqual(job.status, status)) return;
    const { client } = this.#context;
    try {
      const told = await client.update(resourceTypes.jobs, { ...job, status }, { subresource: "status" });
      this.#jobWrites.wrote(key, told);
    } catch (error) {
      // Deleted meanwhile: the event of it comes yet.
      if (!isNotFound(error)) throw error;
    }
  }

  /** Takes the finalizer off, so that the pod may be deleted. */
  async #release(pod: Pod, jobKey?: string): Promise<void> {
    if (!isTracked(pod)) return;
    const body = { metadata: { "$deleteFromPrimitiveList/finalizers": [trackingFinalizer] } };
    try {
      const released = await this.#context.client.patch(resourceTypes.pods, keyOf(pod), { type: "strategic", body });
      if (jobKey !== undefined) this.#podWrites.wrote(jobKey, released);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

interface Made {
  /** Pods that were wanted and are not there. */
  readonly unmade: number;
  readonly error?: Error;
}

function corrected({ active = 0, ...status }: JobStatus, unmade: number): JobStatus {
  return active === unmade ? status : { ...status, active: active - unmade };
}
