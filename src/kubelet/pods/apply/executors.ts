/** Which step is carried out by what: a step without its executor does not compile. */
import type { PodStep } from "../steps.ts";
import { cleanUp, prepareVolumes, release } from "./end.ts";
import { ensureImage } from "./image.ts";
import type { Executors, StepRun } from "./run.ts";
import { createSandbox, removeSandbox, stopSandbox } from "./sandbox.ts";
import { startContainer } from "./start.ts";
import { removeContainer, stopContainer } from "./stop.ts";

const executors: Executors = {
  prepareVolumes,
  createSandbox,
  ensureImage,
  startContainer,
  stopContainer,
  removeContainer,
  stopSandbox,
  removeSandbox,
  cleanUp,
  release,
};

export function applyStep(run: StepRun, step: PodStep): Promise<void> {
  return (executors[step.do] as (run: StepRun, step: PodStep) => Promise<void>)(run, step);
}
