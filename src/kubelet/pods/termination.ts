/** How a pod ends: its containers, then its sandboxes, then what it had on the node, and last its API object. */
import { allContainers, isSidecar } from "./containers.ts";
import { isRunning, type ObservedContainer } from "./observed.ts";
import type { PlanInput } from "./plan_input.ts";
import type { PodStep } from "./steps.ts";

export function terminationSteps(input: PlanInput): readonly PodStep[] {
  const { observed, isBusy, isCleanedUp, termination } = input;
  // What is being made cannot be found yet: it is ended once it is there.
  if (isBusy("createSandbox") || isBusy("startContainer ") || isBusy("prepareVolumes")) return runningSteps(input);
  if (observed.containers.some(isRunning)) return runningSteps(input);
  const ready = observed.sandboxes.filter((sandbox) => sandbox.isReady);
  if (ready.length > 0) return ready.map(({ id }) => ({ do: "stopSandbox", id }));
  // A container of a sandbox goes with it.
  if (termination?.releases && observed.sandboxes.length > 0) {
    return observed.sandboxes.map(({ id }) => ({ do: "removeSandbox", id }));
  }
  if (!isCleanedUp) return [{ do: "cleanUp" }];
  return termination?.releases ? [{ do: "release" }] : [];
}

/** Regular containers at once; sidecars behind them, the last first (KEP-753). */
function runningSteps({ pod, observed, termination }: PlanInput): readonly PodStep[] {
  const sidecars = allContainers(pod)
    .filter(isSidecar)
    .map(({ spec }) => spec.name);
  const running = observed.containers.filter(isRunning);
  const first = running.filter(({ name }) => !sidecars.includes(name));
  if (first.length > 0) return first.map(stop);
  const last = running.toSorted((a, b) => sidecars.indexOf(b.name) - sidecars.indexOf(a.name));
  return last.slice(0, 1).map(stop);

  function stop({ id, name }: ObservedContainer): PodStep {
    return {
      do: "stopContainer",
      id,
      container: name,
      graceSeconds: termination?.graceSeconds ?? 30,
      runsHook: true,
    };
  }
}
