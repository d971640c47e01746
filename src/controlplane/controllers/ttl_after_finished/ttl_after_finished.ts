/** Deletes finished Jobs after their ttlSecondsAfterFinished (upstream: pkg/controller/ttlafterfinished). */
import { keyOf, keyText } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { Job } from "../../../model/kubernetes.ts";
import type { Outcome } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { dueInMs } from "./plan.ts";

export const ttlAfterFinishedController: ControllerRow = {
  name: "ttl-after-finished-controller",
  account: "ttl-after-finished-controller",
  make: makeController,
};

function makeController(context: ControllerContext): Controller {
  const jobs = context.informers.of(resourceTypes.jobs);
  const queue = controllerQueue(context, {
    name: ttlAfterFinishedController.name,
    reconcile: (key) => reconcile(context, key),
  });
  const add = (job: Job): void => {
    if (dueInMs(job, context.clock.now()) !== undefined) queue.add(keyText(keyOf(job)));
  };
  jobs.subscribe({ onAdd: add, onUpdate: (_, job) => add(job) });
  return { start: () => queue.start(), stop: () => queue.stop() };
}

async function reconcile({ client, informers, clock }: ControllerContext, key: string): Promise<Outcome> {
  const cached = informers.of(resourceTypes.jobs).objects.get(key);
  const waitMs = cached && dueInMs(cached, clock.now());
  if (!cached || waitMs === undefined) return undefined;
  if (waitMs > 0) return { againAfterMs: waitMs };
  try {
    // Somebody may have given it more time a moment ago.
    const fresh = await client.get(resourceTypes.jobs, keyOf(cached));
    const freshMs = dueInMs(fresh, clock.now());
    if (freshMs === undefined) return undefined;
    if (freshMs > 0) return { againAfterMs: freshMs };
    const { uid, resourceVersion } = fresh.metadata;
    const preconditions = { uid, resourceVersion };
    await client.delete(resourceTypes.jobs, keyOf(fresh), { propagationPolicy: "Foreground", preconditions });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return undefined;
}
