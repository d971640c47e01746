/** Keeps actors going from the server's start to its stop. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Actor, RunningActor } from "./actors.ts";

export class ActorRunner {
  readonly #log: Logger;
  readonly #running: readonly Promise<RunningActor>[];

  constructor(actors: readonly Actor[], log: Logger) {
    this.#log = log;
    this.#running = actors.map((actor) => this.#start(actor));
  }

  async #start(actor: Actor): Promise<RunningActor> {
    const running = await actor.start();
    this.#log.info({ actor: actor.name }, "acting");
    return running;
  }

  /** @param timeoutMs bound of waiting for what they are at */
  async stop(timeoutMs: number): Promise<void> {
    const stopped = Promise.all(this.#running.map(async (running) => (await running).stop()));
    const late = sleep(timeoutMs, "late" as const, { ref: false });
    if ((await Promise.race([stopped, late])) === "late") this.#log.warn("controllers did not stop in time");
  }
}
