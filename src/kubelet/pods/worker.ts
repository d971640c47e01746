/**
 * One pod: what is wanted and what is observed → plan → steps, each carried out beside the others. A step that hangs holds
 * up the steps behind it in this pod, and nothing else.
 */
import { isDeepStrictEqual } from "node:util";
import type { Pod } from "../../model/kubernetes.ts";
import { PodProbes } from "../probes/pod_probes.ts";
import { applyStep } from "./apply/executors.ts";
import { hastenStop } from "./apply/stop.ts";
import type { StepRun } from "./apply/run.ts";
import type { PodDeps } from "./deps.ts";
import { containerSubject } from "./containers.ts";
import { deadlineMs, planInput, statusInput, terminationOf } from "./inputs.ts";
import { currentSandbox, isRunning } from "./observed.ts";
import { isStaticPod } from "./names.ts";
import { listPod, observeContainer, observePod, type Listed } from "./observe.ts";
import { planPod } from "./plan.ts";
import { operationOf } from "./metrics.ts";
import type { PlanInput } from "./plan_input.ts";
import { PodState } from "./pod_state.ts";
import { Retries } from "./retries.ts";
import { PodSources } from "./sources.ts";
import { PodStart } from "./start_times.ts";
import { apiStatus } from "./status/container_status.ts";
import type { Failure } from "./status/input.ts";
import { isFinal } from "./status/phase.ts";
import { derivePodStatus } from "./status/derive.ts";
import { StatusWriter } from "./status_writer.ts";
import { keyOfStep, type PodStep } from "./steps.ts";

/** Looks at a container of which it was told that it ended, until the runtime says so too, in ms. */
const lookAgainMs = [0, 10, 25, 50, 100, 250, 500, 1000];

export interface WorkerDeps extends PodDeps {
  /** Whether something was heard of a container before this pod knew it. */
  readonly wasHeard: (id: string) => boolean;
  /** What shows a static pod in the API. */
  readonly mirrorOf?: (pod: Pod) => Pod | undefined;
}

export class PodWorker {
  readonly state: PodState;
  readonly #deps: WorkerDeps;
  readonly #onEnd: () => void;
  readonly #probes: PodProbes;
  readonly #writer: StatusWriter;
  readonly #run: StepRun;
  readonly #retries: Retries;
  readonly #sources: PodSources;
  readonly #timers = new Map<string, () => void>();
  readonly #bornAtMs: number;
  /** Of a pod that is new, until it runs. */
  #seenAtMs: number | undefined;
  #relistedAtMs: number | undefined;
  #isBegun = false;
  #isLoaded = false;
  #isStopped = false;
  #scheduled = false;

  /** @param onEnd nothing of the pod is left */
  constructor(deps: WorkerDeps, pod: Pod, onEnd: () => void) {
    this.#deps = deps;
    this.#onEnd = onEnd;
    this.state = new PodState(pod);
    this.#probes = new PodProbes(deps, pod, () => this.wake());
    this.#writer = new StatusWriter(deps.client, deps.clock, {
      onError: (error) => deps.onError(`write status of ${pod.metadata.name}`, error),
      onWritten: (seconds) => deps.metrics?.statusWritten(seconds),
    });
    this.#bornAtMs = deps.clock.now();
    this.state.start = new PodStart(pod);
    this.#retries = new Retries(deps.clock);
    const config = deps.configs.open(pod.metadata.namespace ?? "", () => this.#freshenVolumes());
    this.#sources = new PodSources(deps.client, deps.clock, config);
    this.#run = {
      deps,
      state: this.state,
      sources: this.#sources,
      changed: () => this.wake(),
      reported: () => this.#writer.flushed(),
    };
  }

  /** @param listed what the runtime had when the kubelet began; undefined: the pod is new, there is nothing */
  async load(listed: Listed | undefined): Promise<void> {
    if (!listed) this.#seenAtMs = this.#bornAtMs;
    if (listed) await this.#observe(listed).catch((error: unknown) => this.#deps.onError("observe a pod", error));
    for (const { id, name } of this.state.observed.containers) {
      const before = apiStatus(this.state.pod, name);
      if (before?.ready && before.containerID?.endsWith(id)) this.#probes.wasReady(id);
    }
    this.#isLoaded = true;
    this.#every(
      "relist",
      () => this.#deps.settings.relistMs,
      () => this.relist(),
    );
    this.#every(
      "volumes",
      () => this.#deps.settings.syncMs,
      () => Promise.resolve(this.#freshenVolumes()),
    );
    this.wake();
  }

  /** This node does not let it in: it fails, and nothing of it is begun. Before `load`. */
  reject({ reason, message }: { readonly reason: string; readonly message: string }): void {
    const { state } = this;
    this.#deps.events.event(state.pod, "Warning", reason, message);
    state.isRejected = true;
    const failure = { reason, message: `Pod was rejected: ${message}` };
    state.termination = { graceSeconds: 0, releases: false, failure };
  }

  /** The kubelet ends it by itself: it fails, and its object stays. */
  fail(failure: Failure, graceSeconds: number): void {
    this.state.termination ??= { graceSeconds, releases: false, failure };
    this.wake();
  }

  /** It runs or is to run, and nobody ends it yet. */
  get isActive(): boolean {
    const { current, isReleased } = this.state;
    return !isReleased && !isFinal(current.status?.phase) && !terminationOf(this.#deps, this.state);
  }

  /** Of a pod that has ended for good, what the runtime keeps of it: its status and its object stay. */
  async giveBack(): Promise<void> {
    const { state } = this;
    if (!isFinal(state.current.status?.phase) || state.observed.containers.some(isRunning) || state.isBusy("")) return;
    for (const { id, name } of state.observed.containers) {
      await applyStep(this.#run, { do: "removeContainer", id, container: name });
    }
    for (const { id } of state.observed.sandboxes) await applyStep(this.#run, { do: "removeSandbox", id });
  }

  update(pod: Pod): void {
    const { labels, annotations } = this.state.pod.metadata;
    const isTold = isDeepStrictEqual([labels, annotations], [pod.metadata.labels, pod.metadata.annotations]);
    this.state.pod = pod;
    const shown = this.state.start?.shown(pod, this.#deps.clock.now());
    if (shown) this.#deps.metrics?.shownStarted(shown);
    // Its files may show them.
    if (!isTold) this.#freshenVolumes();
    this.wake();
  }

  /** The API has it no more: all that is left of it goes. */
  removed(): void {
    this.state.isGone = true;
    this.#writer.stop();
    this.wake();
  }

  /** The runtime says that something about this container changed. */
  async containerChanged(id: string): Promise<void> {
    const known = this.state.observed.containers.find((one) => one.id === id);
    if (!known) return this.#sandboxChanged(id);
    for (const ms of lookAgainMs) {
      if (ms > 0) await new Promise<void>((resolve) => this.#deps.clock.after(ms, resolve));
      if (this.#isStopped || this.state.observed.containers.find((one) => one.id === id)?.state !== "running") break;
      const now = await observeContainer(this.#deps.runtime, id, known.sandboxId);
      if (now.state === "running") continue;
      this.state.putContainer(now);
      break;
    }
    this.wake();
  }

  /** It is told of a sandbox's end before the runtime shows it, too. */
  async #sandboxChanged(id: string): Promise<void> {
    for (const ms of lookAgainMs) {
      if (ms > 0) await new Promise<void>((resolve) => this.#deps.clock.after(ms, resolve));
      await this.relist();
      if (this.#isStopped || !this.state.observed.sandboxes.some((one) => one.id === id && one.isReady)) return;
    }
  }

  knows(id: string): boolean {
    const { sandboxes, containers } = this.state.observed;
    return containers.some((one) => one.id === id) || sandboxes.some((one) => one.id === id);
  }

  /** Ends the work on it, not the pod. */
  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#retries.stop();
    this.#probes.stop();
    this.#sources.close();
    this.#writer.stop();
  }

  /** In a later turn: what comes together is planned once. */
  wake(): void {
    if (this.#scheduled || this.#isStopped) return;
    this.#scheduled = true;
    this.#deps.turns.add(() => {
      this.#scheduled = false;
      if (this.#isLoaded && !this.#isStopped) this.#tick();
    });
  }

  #tick(): void {
    const { state } = this;
    if (state.isReleased) return this.#end();
    this.#noteBegun();
    const input = planInput(this.#deps, state, this.#probes);
    const ips = currentSandbox(state.observed)?.ips ?? [];
    const probed = input.termination ? [] : state.observed.containers;
    this.#probes.sync(state.pod, probed, state.pod.spec.hostNetwork ? (this.#deps.nodeIps()[0] ?? "") : (ips[0] ?? ""));
    const plan = planPod(input);
    this.#noteWaits(plan.waits);
    for (const step of plan.steps) this.#launch(step);
    const times = [plan.againAtMs, deadlineMs(state)].filter((ms) => ms !== undefined);
    this.#at("again", times.length > 0 ? Math.min(...times) : undefined);
    this.#report(input);
  }

  #end(): void {
    this.stop();
    this.#onEnd();
  }

  #noteBegun(): void {
    const { pod, isRejected, isGone } = this.state;
    if (this.#isBegun || isRejected || isGone) return;
    this.#isBegun = true;
    this.#deps.metrics?.begun((this.#deps.clock.now() - this.#bornAtMs) / 1000, pod.spec.containers.length);
  }

  #noteWaits(waits: PodState["waits"]): void {
    const { state } = this;
    for (const [name, { reason }] of waits) {
      if (reason !== "CrashLoopBackOff" || state.waits.get(name)?.reason === reason) continue;
      const message = `Back-off restarting failed container ${name} in pod ${state.pod.metadata.name}_${state.pod.metadata.namespace}(${state.pod.metadata.uid})`;
      this.#deps.events.event(containerSubject(state.pod, name), "Warning", "BackOff", message);
    }
    state.waits = waits;
  }

  #launch(step: PodStep): void {
    const { busy } = this.state;
    const key = keyOfStep(step);
    if (busy.has(key)) {
      if (step.do === "stopContainer") void hastenStop(this.#run, step).catch(() => this.wake());
      return;
    }
    if (this.#retries.holds(key)) return;
    busy.add(key);
    const beganMs = this.#deps.clock.now();
    void applyStep(this.#run, step)
      .then(
        () => this.#retries.succeeded(key),
        (error: unknown) => this.#failed(key, error),
      )
      .finally(() => {
        busy.delete(key);
        this.#deps.metrics?.worked(operationOf(step.do), (this.#deps.clock.now() - beganMs) / 1000);
        if (step.do === "startContainer") this.#claim();
        this.wake();
      });
  }

  /** What ended before its start was known. */
  #claim(): void {
    for (const { id, state } of this.state.observed.containers) {
      if (state !== "running" || !this.#deps.wasHeard(id)) continue;
      void this.containerChanged(id).catch((error: unknown) => this.#deps.onError("observe a container", error));
    }
  }

  /** What became of it is not known: the runtime is asked before the next plan. */
  async #failed(key: string, error: unknown): Promise<void> {
    if (this.#isStopped) return;
    this.#deps.onError(`${key} of pod ${this.state.pod.metadata.namespace}/${this.state.pod.metadata.name}`, error);
    this.#retries.failed(key, () => this.wake());
    await this.relist();
  }

  /** A runtime that does not answer is asked again: what changed meanwhile it tells nobody. */
  async relist(): Promise<void> {
    if (this.#isStopped || this.#retries.holds("relist")) return;
    const ended = this.#relistBegins();
    try {
      await this.#observe(await listPod(this.#deps.runtime, this.state.pod.metadata.uid));
    } catch (error) {
      this.#deps.onError("observe a pod", error);
      this.#retries.failed("relist", () => void this.relist());
      return;
    } finally {
      ended();
    }
    this.#retries.succeeded("relist");
    this.wake();
  }

  /** @returns how to tell that it is over */
  #relistBegins(): () => void {
    const { clock, metrics } = this.#deps;
    const beganMs = clock.now();
    const before = this.#relistedAtMs;
    this.#relistedAtMs = beganMs;
    return () => {
      const interval = before === undefined ? undefined : (beganMs - before) / 1000;
      metrics?.relisted((clock.now() - beganMs) / 1000, interval);
    };
  }

  async #observe(listed: Listed): Promise<void> {
    const { state } = this;
    const before = state.observed;
    const now = await observePod(this.#deps.runtime, listed, before);
    // What was made while the runtime was asked is not in its answer.
    if (state.observed === before) state.observed = now;
  }

  /** What a volume shows may have changed. */
  #freshenVolumes(): void {
    this.state.areVolumesStale = true;
    this.#retries.release(keyOfStep({ do: "prepareVolumes" }));
    this.wake();
  }

  #report(input: PlanInput): void {
    const { state } = this;
    if (state.isGone) return;
    const status = derivePodStatus(statusInput(this.#deps, state, this.#probes, input));
    if (this.#seenAtMs !== undefined && status.phase === "Running") {
      this.#deps.metrics?.started((this.#deps.clock.now() - this.#seenAtMs) / 1000);
      this.#seenAtMs = undefined;
    }
    if (isStaticPod(state.pod)) {
      state.written = status;
      return this.#writer.putMirror(this.#deps.mirrorOf?.(state.pod), status);
    }
    if (this.#writer.put(state.pod, status, state.current.status)) state.written = status;
  }

  /** One timer a name; the next takes its place. */
  #at(name: string, atMs: number | undefined): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
    if (atMs === undefined) return;
    const cancel = this.#deps.clock.after(Math.max(0, atMs - this.#deps.clock.now()), () => this.wake());
    this.#timers.set(name, cancel);
  }

  /** Again and again, spread so that pods do not come all at once. */
  #every(name: string, periodMs: () => number, work: () => Promise<void>): void {
    const ms = periodMs() * (0.75 + Math.random() / 2);
    const cancel = this.#deps.wheel.after(ms, () => {
      void work().finally(() => {
        if (!this.#isStopped) this.#every(name, periodMs, work);
      });
    });
    this.#timers.set(name, cancel);
  }
}
