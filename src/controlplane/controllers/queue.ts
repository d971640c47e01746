/** A controller's work queue, with its log and the context's clock. */
import { WorkQueue, type Outcome } from "../../reconcile/work_queue.ts";
import { isConflict, isNamespaceTerminating } from "../../api/status_error.ts";
import type { ControllerContext } from "./controller.ts";

export interface ControllerQueueOptions {
  /** For the log: upstream's name of the controller. */
  readonly name: string;
  readonly workers?: number;
  readonly reconcile: (key: string) => Promise<Outcome>;
}

export function controllerQueue({ clock, log }: ControllerContext, options: ControllerQueueOptions): WorkQueue {
  const { name, reconcile, workers } = options;
  return new WorkQueue({
    reconcile,
    clock,
    ...(workers === undefined ? {} : { workers }),
    onError: (key, err, failures) => {
      // Somebody else was first, or the namespace goes: the retry sees it, and nobody need read of it.
      if (isConflict(err) || isNamespaceTerminating(err)) return;
      log.warn({ controller: name, key, err, failures }, "reconciliation failed; it is tried again");
    },
  });
}
