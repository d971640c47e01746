/** The image of a container that is about to be started. */
import { credentialsFor } from "../../images/credentials.ts";
import { ensureImage as findOrPull, type ImageOutcome } from "../../images/ensure.ts";
import { nextBackoff } from "../backoff.ts";
import { allContainers, containerSubject } from "../containers.ts";
import type { StepOf, StepRun } from "./run.ts";

/** How long the first answer is shown before the status says that it backs off, in ms. */
const showMs = 1000;

export async function ensureImage(run: StepRun, { container }: StepOf<"ensureImage">): Promise<void> {
  const { deps, state, sources } = run;
  const { pod } = state;
  const known = allContainers(pod).find((one) => one.spec.name === container);
  if (!known) return;
  const { kind, spec } = known;
  const outcome = await findOrPull(deps, containerSubject(pod, container), spec, async () => {
    const names = (pod.spec.imagePullSecrets ?? []).map(({ name }) => name).filter((name) => name !== undefined);
    const secrets = await Promise.all(names.map((name) => sources.secret(name)));
    return credentialsFor(
      spec.image ?? "",
      secrets.filter((secret) => secret !== undefined),
    );
  });
  note(run, spec.imagePullPolicy ?? "", outcome);
  if ("found" in outcome) {
    state.images.set(container, outcome.found);
    state.pulls.delete(container);
    state.holds.delete(container);
    return;
  }
  deps.metrics?.containerStarted(kind);
  deps.metrics?.containerFailed(kind, outcome.failure.reason);
  hold(run, container, spec.image ?? "", outcome.failure);
}

function note({ deps: { metrics }, state }: StepRun, policy: string, { isPresent, pull }: ImageOutcome): void {
  metrics?.imageEnsured({ policy, isPresent, isPulled: isPresent === undefined ? undefined : pull !== undefined });
  if (!pull) return;
  state.start?.pulled(pull.fromMs, pull.toMs);
  if (pull.bytes !== undefined) metrics?.pulled(pull.bytes, (pull.toMs - pull.fromMs) / 1000);
}

function hold(
  { deps, state, changed }: StepRun,
  container: string,
  image: string,
  failure: { readonly reason: string; readonly message: string },
): void {
  const { clock, settings, events } = deps;
  const nowMs = clock.now();
  const about = containerSubject(state.pod, container);
  events.event(about, "Warning", "Failed", `Error: ${failure.reason}`);
  const backoff = nextBackoff(state.pulls.get(container), nowMs, nowMs, settings.pullBackoff);
  state.pulls.set(container, backoff);
  const untilMs = nowMs + backoff.delayMs;
  state.holds.set(container, { untilMs, wait: failure });
  if (failure.reason !== "ErrImagePull") return;
  clock.after(Math.min(showMs, backoff.delayMs / 2), () => {
    if (state.holds.get(container)?.wait !== failure) return;
    const message = `Back-off pulling image "${image}": ${failure.reason}: ${failure.message}`;
    events.event(about, "Normal", "BackOff", `Back-off pulling image "${image}"`);
    events.event(about, "Warning", "Failed", "Error: ImagePullBackOff");
    state.holds.set(container, { untilMs, wait: { reason: "ImagePullBackOff", message } });
    changed();
  });
}
