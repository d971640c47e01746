/** The driver's end of a load process. */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Cleanup } from "../../driver.ts";
import type { Job, JobAnswer, JobResult } from "./jobs.ts";
import { end, endsEarly } from "./processes.ts";
import type { Target } from "./system.ts";

export class Loader {
  readonly #child: ChildProcess;
  readonly #target: Target;
  readonly #ended: Promise<never>;

  constructor(target: Target, cleanup: Cleanup) {
    this.#target = target;
    this.#child = fork(fileURLToPath(new URL("load.js", compiled(import.meta.url))), { execArgv: [] });
    this.#ended = endsEarly(this.#child, "the load process");
    this.#ended.catch(() => undefined);
    cleanup.add(() => end(this.#child));
  }

  /** @throws Error with what the server answered */
  async run(job: Job): Promise<JobResult> {
    const answered = new Promise<JobAnswer>((resolve) => this.#child.once("message", resolve));
    this.#child.send({ target: this.#target, job });
    const answer = await Promise.race([answered, this.#ended]);
    if ("error" in answer) throw new Error(answer.error);
    return answer.result;
  }
}

/** A process is started from the compiled program: node runs no TypeScript. */
export function compiled(url: string): string {
  return url.includes("/dist/") ? url : url.replace("/bench/", "/dist/bench/");
}
