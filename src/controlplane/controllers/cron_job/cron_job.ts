/** CronJobs: Jobs by a schedule (upstream: pkg/controller/cronjob). */
import { keyOf, keyText } from "../../../api/client.ts";
import type { Informer } from "../../../api/informer.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../../../api/status_error.ts";
import type { CronJob, Job } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import { semanticEqual } from "../../../model/equality.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { OwnWrites } from "../own_writes.ts";
import { followOwned, ownedIndex } from "../owned_index.ts";
import { controllerOf } from "../ownership.ts";
import { controllerQueue } from "../queue.ts";
import { nextRunInMs } from "./due.ts";
import { plan, scheduleOf, withActive, type Run } from "./plan.ts";

export const cronJobController: ControllerRow = {
  name: "cronjob-controller",
  account: "cronjob-controller",
  make: (context) => new CronJobController(context),
};

class CronJobController implements Controller {
  readonly #context: ControllerContext;
  readonly #cronJobs: Informer<CronJob>;
  readonly #jobs: Informer<Job>;
  readonly #writes: OwnWrites<CronJob>;
  readonly #jobWrites: OwnWrites<Job>;
  readonly #queue: WorkQueue;
  readonly #localZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#cronJobs = context.informers.of(resourceTypes.cronJobs);
    this.#jobs = context.informers.of(resourceTypes.jobs);
    this.#writes = new OwnWrites(this.#cronJobs);
    this.#jobWrites = new OwnWrites(this.#jobs);
    this.#queue = controllerQueue(context, {
      name: cronJobController.name,
      reconcile: (key) => this.#reconcile(key),
    });
    const add = (cronJob: CronJob): void => this.#queue.add(keyText(keyOf(cronJob)));
    this.#cronJobs.subscribe({
      onAdd: add,
      onUpdate: (previous, cronJob) => {
        const { schedule, timeZone } = previous.spec;
        if (schedule === cronJob.spec.schedule && timeZone === cronJob.spec.timeZone) add(cronJob);
        else this.#rescheduled(cronJob);
      },
    });
    followOwned({
      owners: this.#cronJobs,
      owned: this.#jobs,
      selects: () => () => false,
      enqueue: (key) => this.#queue.add(key),
    });
  }

  start(): void {
    this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  /** A new schedule holds from now on: what it would have had before is not made up for. */
  #rescheduled(cronJob: CronJob): void {
    const schedule = scheduleOf(cronJob, this.#localZone);
    const ms = schedule && nextRunInMs(cronJob, schedule, this.#context.clock.now());
    this.#queue.addAfter(keyText(keyOf(cronJob)), ms ?? 0);
  }

  async #reconcile(key: string): Promise<Outcome> {
    await Promise.all([this.#writes.seen(key), this.#jobWrites.seen(key)]);
    const cronJob = this.#cronJobs.objects.get(key);
    if (!cronJob) return undefined;
    const jobs = ownedIndex(this.#jobs).owned(cronJob.metadata.uid);
    const planned = plan({ cronJob, jobs, localZone: this.#localZone }, this.#context.clock.now());
    for (const { type, reason, message } of planned.events) this.#context.events.event(cronJob, type, reason, message);
    for (const job of planned.remove) await this.#remove(key, cronJob, job);
    let { status } = planned;
    if (planned.create) {
      const made = await this.#create(key, cronJob, planned.create);
      if (made) status = withActive(status, made, planned.create.lastScheduleTime);
    }
    if (!semanticEqual(cronJob.status ?? {}, status)) {
      const changed = { ...cronJob, status };
      const { client } = this.#context;
      this.#writes.wrote(key, await client.update(resourceTypes.cronJobs, changed, { subresource: "status" }));
    }
    return planned.againAfterMs === undefined ? undefined : { againAfterMs: planned.againAfterMs };
  }

  async #remove(key: string, cronJob: CronJob, job: Job): Promise<void> {
    const { client, events } = this.#context;
    try {
      await client.delete(resourceTypes.jobs, keyOf(job), { propagationPolicy: "Background" });
    } catch (error) {
      if (isNotFound(error)) return;
      events.event(cronJob, "Warning", "FailedDelete", `Deleted job: ${(error as Error).message}`);
      throw error;
    }
    this.#jobWrites.deleted(key, job);
    events.event(cronJob, "Normal", "SuccessfulDelete", `Deleted job ${job.metadata.name}`);
  }

  /** @returns the Job that goes into the status; undefined where that is somebody else's work, or none can be made */
  async #create(key: string, cronJob: CronJob, { job }: Run): Promise<Job | undefined> {
    const { client, events } = this.#context;
    try {
      const made = this.#jobWrites.wrote(key, await client.create(resourceTypes.jobs, job));
      events.event(cronJob, "Normal", "SuccessfulCreate", `Created job ${made.metadata.name}`);
      return made;
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (isAlreadyExists(error)) return this.#existing(cronJob, job.metadata.name!);
      events.event(cronJob, "Warning", "FailedCreate", `Error creating job: ${(error as Error).message}`);
      throw error;
    }
  }

  /** Made before, by one that did not come to write the status. */
  async #existing(cronJob: CronJob, name: string): Promise<Job | undefined> {
    const { namespace, uid } = cronJob.metadata;
    const job = await this.#context.client.get(resourceTypes.jobs, { namespace, name });
    const isKnown = (cronJob.status?.active ?? []).some((one) => one.uid === job.metadata.uid);
    return controllerOf(job)?.uid === uid && !isKnown ? job : undefined;
  }
}
