/** What every controller is given, and what it is. */
import type { Client } from "../../api/client.ts";
import type { EventRecorder } from "../../api/event_recorder.ts";
import type { Informers } from "../../api/informers.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { ClusterAuthority } from "./authority.ts";
import type { ControllerOptions } from "./options.ts";

export interface ControllerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ControllerContext {
  /** Acts as the controller: upstream's system:serviceaccount:kube-system:<its name>. */
  readonly client: Client;
  /** Shared by all controllers. */
  readonly informers: Informers;
  /** Its Events' source is the controller. */
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: ControllerLog;
  readonly options: ControllerOptions;
  readonly authority: ClusterAuthority;
}

/** A running controller. */
export interface Controller {
  /** Called when the informers have their first lists: begins to act. */
  start(): void;
  /** Acts no more when this returns; bounded by the client's bound of a call. */
  stop(): Promise<void>;
}

/** Subscribes to its informers, and does nothing before start(). */
export type MakeController = (context: ControllerContext) => Controller;

/** A row of the table of controllers. */
export interface ControllerRow {
  /** Upstream's name in --controllers, "deployment-controller". */
  readonly name: string;
  /** Its service account's name in kube-system, "deployment-controller". */
  readonly account: string;
  /** Its Events' source.component, where that is not the account's name. */
  readonly component?: string;
  /** Off unless --controllers names it. */
  readonly offByDefault?: true;
  readonly make: MakeController;
}
