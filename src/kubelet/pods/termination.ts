/** How a pod ends: its containers, then its sandboxes, then what it had on the node, and last its API object. */
import { allContainers, graceSecondsOf, isSidecar } from "./containers.ts";
import { isRunning, type ObservedContainer } from "./observed.ts";
import type { PlanInput } from "./plan_input.ts";
import type { PodStep } from "./steps.ts";

export function terminationSteps(input: PlanInput): readonly PodStep[] {
  const { observed, isBusy, isCleanedUp, termination } = input;
  // What is being made cannot be found yet: it is ended once it is there.
  if (isBusy("createSandbox") || isBusy("startContainer ") || isBusy("prepareVolumes")) return stopSteps(input);
  if (observed.containers.some(isRunning)) return stopSteps(input);
  const ready = observed.sandboxes.filter((sandbox) => sandbox.isReady);
  if (ready.length > 0) return ready.map(({ id }) => ({ do: "stopSandbox", id }));
  // A container of a sandbox goes with it.
  if (termination?.releases && observed.sandboxes.length > 0) {
    return observed.sandboxes.map(({ id }) => ({ do: "removeSandbox", id }));
  }
  if (!isCleanedUp) return [{ do: "cleanUp" }];
  return termination?.releases ? [{ do: "release" }] : [];
}

/**
 * Regular containers at once; sidecars behind them, the last first (KEP-753). What a sidecar waited is off its grace
 * period (kuberuntime_termination_order.go).
 */
export function stopSteps({ pod, observed, termination, endsAtMs, nowMs }: PlanInput): readonly PodStep[] {
  const sidecars = allContainers(pod)
    .filter(isSidecar)
    .map(({ spec }) => spec.name);
  const running = observed.containers.filter(isRunning);
  const whole = termination?.graceSeconds ?? graceSecondsOf(pod);
  const first = running.filter(({ name }) => !sidecars.includes(name));
  if (first.length > 0) return first.map((one) => stop(one, whole));
  const last = running.toSorted((a, b) => sidecars.indexOf(b.name) - sidecars.indexOf(a.name));
  const left = endsAtMs === undefined ? whole : Math.ceil((endsAtMs - nowMs) / 1000);
  const seconds = Math.max(Math.min(whole, leastSeconds), Math.min(whole, left));
  return last.slice(0, 1).map((one) => stop(one, seconds));
}

/** What a container gets at the least (kuberuntime, minimumGracePeriodInSeconds). */
export const leastSeconds = 2;

function stop({ id, name }: ObservedContainer, graceSeconds: number): PodStep {
  return { do: "stopContainer", id, container: name, graceSeconds, runsHook: true };
}
