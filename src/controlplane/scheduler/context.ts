/** What the scheduler is given: what a controller is, with options of its own. */
import type { ControllerContext } from "../controllers/controller.ts";
import type { SchedulerOptions } from "./options.ts";

/** The client is the scheduler's (apiserver/loopback/accounts.ts), the Events' source "default-scheduler". */
export interface SchedulerContext extends Omit<ControllerContext, "options" | "authority"> {
  readonly options?: Partial<SchedulerOptions>;
}
