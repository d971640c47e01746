/** What acts on the cluster by itself, in the server's process: controllers and the scheduler. */
import type { Logger } from "pino";
import type { Client } from "../../api/client.ts";
import type { EventRecorder } from "../../api/event_recorder.ts";
import { ApiEventRecorder } from "../../api/events/api_event_recorder.ts";
import type { Informers } from "../../api/informers.ts";
import { systemClock } from "../../reconcile/clock.ts";
import type { ControlPlaneApi } from "../apiserver/compose.ts";
import { controllerClient, schedulerClient } from "../apiserver/loopback/accounts.ts";
import type { ControllerRow } from "../controllers/controller.ts";
import type { ClusterAuthority } from "../controllers/authority.ts";
import { chosenRows, makeInformers, startControllers } from "../controllers/manager.ts";
import { controllerTable } from "../controllers/table.ts";
import { schedulerRow } from "../scheduler/scheduler.ts";
import type { Fence } from "../store/store.ts";
import type { ServerOptions } from "./options.ts";

export interface RunningActor {
  /** It acts no more when this returns. */
  stop(): Promise<void>;
}

export interface Actor {
  /** Upstream's program, "kube-controller-manager": the name of its Lease too. */
  readonly name: string;
  /** @param fence where only a leader may act */
  start(fence?: Fence): Promise<RunningActor>;
}

export interface ActorContext {
  readonly api: ControlPlaneApi;
  readonly options: ServerOptions;
  readonly log: Logger;
}

/** What Events that wait have to be written when their recorder stops, in ms. */
const eventsGraceMs = 1000;
/** Between two lines about Events that were dropped, in ms. */
const tellEveryMs = 10_000;

export function actorsOf({ api, options, log }: ActorContext): readonly Actor[] {
  const { routes } = api.server;
  const informers = new SharedInformers(() => makeInformers(controllerClient(routes, "informers"), systemClock, log));
  const actor = (name: string, rows: readonly ControllerRow[], client: RowActor["client"]): Actor =>
    rowActor({ name, rows, client, informers, options, log, authority: api.pki });
  const rows = chosenRows(controllerTable, options.controllers);
  return [
    actor("kube-controller-manager", rows, (account, fence) => controllerClient(routes, account, fence)),
    ...(options.scheduler
      ? [actor("kube-scheduler", [schedulerRow], (_account, fence) => schedulerClient(routes, fence))]
      : []),
  ];
}

interface RowActor {
  readonly name: string;
  readonly rows: readonly ControllerRow[];
  readonly client: (account: string, fence: Fence | undefined) => Client;
  readonly informers: SharedInformers;
  readonly options: ServerOptions;
  readonly log: Logger;
  readonly authority: ClusterAuthority;
}

function rowActor({ name, rows, client, informers, options, log, authority }: RowActor): Actor {
  return {
    name,
    async start(fence) {
      const events = new Recorders(log);
      const controllers = await startControllers({
        rows,
        informers: informers.take(),
        client: (account) => client(account, fence),
        events: (component, eventClient) => events.make(component, eventClient),
        clock: systemClock,
        log,
        options: options.controllerOptions,
        authority,
      }).catch((error: unknown) => {
        informers.giveBack();
        throw error;
      });
      return {
        async stop() {
          await controllers.stop();
          informers.giveBack();
          await events.stop();
        },
      };
    },
  };
}

/** One cache of objects for all that act: made for the first, and gone with the last. */
class SharedInformers {
  readonly #make: () => Informers;
  #informers: Informers | undefined;
  #users = 0;

  constructor(make: () => Informers) {
    this.#make = make;
  }

  take(): Informers {
    this.#users++;
    return (this.#informers ??= this.#make());
  }

  giveBack(): void {
    if (--this.#users > 0) return;
    this.#informers?.stop();
    this.#informers = undefined;
  }
}

/** The recorders of one actor, which stop with it. */
class Recorders {
  readonly #log: Logger;
  readonly #recorders: ApiEventRecorder[] = [];
  #count = 0;
  #toldAtMs = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  make(component: string, client: Client): EventRecorder {
    const recorder = new ApiEventRecorder(client, {
      component,
      clock: systemClock,
      onDropped: (err) => this.#dropped(component, err),
    });
    this.#recorders.push(recorder);
    return recorder;
  }

  /** One line for many: what is too much for the store is too much for a log. */
  #dropped(component: string, err: unknown): void {
    this.#count++;
    const now = Date.now();
    if (now - this.#toldAtMs < tellEveryMs) return;
    this.#log.warn({ component, err, dropped: this.#count }, "Events were not written");
    [this.#toldAtMs, this.#count] = [now, 0];
  }

  async stop(): Promise<void> {
    await Promise.all(this.#recorders.map((recorder) => recorder.stop(eventsGraceMs)));
  }
}
