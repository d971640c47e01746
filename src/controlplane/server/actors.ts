/** What acts on the cluster by itself, in the server's process: controllers and the scheduler. */
import type { Logger } from "pino";
import type { Client } from "../../api/client.ts";
import type { EventRecorder } from "../../api/event_recorder.ts";
import { ApiEventRecorder } from "../../api/events/api_event_recorder.ts";
import { systemClock } from "../../reconcile/clock.ts";
import type { ControlPlaneApi } from "../apiserver/compose.ts";
import { controllerClient } from "../apiserver/loopback/accounts.ts";
import type { Fence } from "../store/fence.ts";
import { chosenRows, startControllers } from "../controllers/manager.ts";
import { controllerTable } from "../controllers/table.ts";
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

export function actorsOf(context: ActorContext): readonly Actor[] {
  return [controllersActor(context)];
}

function controllersActor({ api, options, log }: ActorContext): Actor {
  const rows = chosenRows(controllerTable, options.controllers);
  const { routes } = api.server;
  return {
    name: "kube-controller-manager",
    async start(fence) {
      const events = new Recorders(log);
      const controllers = await startControllers({
        rows,
        client: (account) => controllerClient(routes, account, fence),
        events: (component, client) => events.make(component, client),
        clock: systemClock,
        log,
        options: options.controllerOptions,
      });
      return {
        async stop() {
          await controllers.stop();
          await events.stop();
        },
      };
    },
  };
}

/** The recorders of one actor, which stop with it. */
class Recorders {
  readonly #log: Logger;
  readonly #recorders: ApiEventRecorder[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  make(component: string, client: Client): EventRecorder {
    const onDropped = (err: unknown): void => this.#log.warn({ component, err }, "an Event was not written");
    const recorder = new ApiEventRecorder(client, { component, clock: systemClock, onDropped });
    this.#recorders.push(recorder);
    return recorder;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#recorders.map((recorder) => recorder.stop(eventsGraceMs)));
  }
}
