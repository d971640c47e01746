/** Runs controllers: their informers first, then all of them, until it is stopped. */
import type { Client } from "../../api/client.ts";
import type { EventRecorder } from "../../api/event_recorder.ts";
import { Informers } from "../../api/informers.ts";
import { qualifiedName } from "../../api/resource_types.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { ClusterAuthority } from "./authority.ts";
import type { Controller, ControllerLog, ControllerRow } from "./controller.ts";
import type { ControllerOptions } from "./options.ts";

export interface ControllersOptions {
  readonly rows: readonly ControllerRow[];
  /** Those of others in this process, to be shared; absent: own ones, which end with the controllers. */
  readonly informers?: Informers;
  /** The client of a name: "informers", or a controller's service account. */
  readonly client: (account: string) => Client;
  readonly events: (component: string, client: Client) => EventRecorder;
  readonly clock: Clock;
  readonly log: ControllerLog;
  readonly options: ControllerOptions;
  readonly authority: ClusterAuthority;
}

export interface RunningControllers {
  /** Nothing acts any more when this returns. */
  stop(): Promise<void>;
}

/** Bound of the informers' first lists, in ms; past it what has come is acted upon. */
const syncTimeoutMs = 60_000;

/** Starts the rows' controllers. @returns once they act */
export async function startControllers(options: ControllersOptions): Promise<RunningControllers> {
  const { clock, log } = options;
  const informers = options.informers ?? makeInformers(options.client("informers"), clock, log);
  const controllers = options.rows.map((row) => make(row, informers, options));
  informers.start();
  const late = await informers.synced(syncTimeoutMs);
  if (late.length > 0) log.error({ resources: late.map(qualifiedName) }, "no list in time");
  for (const controller of controllers) controller.start();
  return {
    async stop() {
      await Promise.all(controllers.map((controller) => controller.stop()));
      if (!options.informers) informers.stop();
    },
  };
}

export function makeInformers(client: Client, clock: Clock, log: ControllerLog): Informers {
  return new Informers(client, {
    clock,
    onError: (type, err) => log.warn({ resource: qualifiedName(type), err }, "cannot follow; it is tried again"),
  });
}

function make(row: ControllerRow, informers: Informers, options: ControllersOptions): Controller {
  const client = options.client(row.account);
  const { clock, log, authority } = options;
  const events = options.events(row.component ?? row.account, client);
  return row.make({ client, informers, events, clock, log, options: options.options, authority });
}

/**
 * Which rows --controllers leaves: `*` is all that are not off by default, `-name` leaves one out.
 *
 * @throws RangeError that names what is no controller
 */
export function chosenRows(rows: readonly ControllerRow[], chosen: readonly string[]): readonly ControllerRow[] {
  const names = new Set(rows.map(({ name }) => name));
  const unknown = chosen.find((name) => name !== "*" && !names.has(name.replace(/^-/, "")));
  if (unknown !== undefined) throw new RangeError(`"${unknown}" is not in the list of known controllers`);
  return rows.filter(({ name, offByDefault }) => {
    if (chosen.includes(name)) return true;
    return !chosen.includes(`-${name}`) && chosen.includes("*") && !offByDefault;
  });
}
