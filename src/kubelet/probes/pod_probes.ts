/** The probes of one pod's containers: each runs while its container does, and says when its verdict changes. */
import type { EventRecorder } from "../../api/event_recorder.ts";
import type { Pod } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { RuntimeService } from "../cri/runtime.ts";
import { allContainers, containerSubject, type ContainerSpec } from "../pods/containers.ts";
import type { ObservedContainer } from "../pods/observed.ts";
import type { FailedProbe } from "../pods/plan_input.ts";
import type { PodMetrics } from "../pods/metrics.ts";
import { afterAnswer, unprobed, type ProbeAnswer, type ProbeState } from "./probe_state.ts";
import { runProbe, type Probe } from "./run_probe.ts";
import type { TimerWheel } from "./timer_wheel.ts";

export interface ProbeDeps {
  readonly runtime: RuntimeService;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly events: EventRecorder;
  readonly metrics?: Pick<PodMetrics, "probed" | "forgotten">;
}

type Kind = "startup" | "liveness" | "readiness";

interface Running {
  readonly kind: Kind;
  readonly probe: Probe;
  readonly container: ContainerSpec;
  readonly id: string;
  state: ProbeState;
  cancel: () => void;
}

export class PodProbes {
  readonly #deps: ProbeDeps;
  readonly #onChange: () => void;
  #pod: Pod;
  #ip = "";
  /** By kind, container and its id. */
  readonly #running = new Map<string, Running>();
  /** Containers that were ready before this kubelet began: they stay so until a probe says otherwise. */
  readonly #wereReady = new Set<string>();

  constructor(deps: ProbeDeps, pod: Pod, onChange: () => void) {
    this.#deps = deps;
    this.#pod = pod;
    this.#onChange = onChange;
  }

  /** @param id of a container that the API says was ready */
  wasReady(id: string): void {
    this.#wereReady.add(id);
  }

  /** Follows what runs now. */
  sync(pod: Pod, observed: readonly ObservedContainer[], ip: string): void {
    this.#pod = pod;
    this.#ip = ip;
    const wanted = new Set<string>();
    for (const { spec } of allContainers(pod)) {
      const now = observed.find(({ name, state }) => name === spec.name && state === "running");
      if (!now) continue;
      for (const [kind, probe] of probesOf(spec)) {
        const key = keyOf(kind, now.id);
        wanted.add(key);
        if (!this.#running.has(key)) this.#begin(key, kind, probe, spec, now);
      }
    }
    for (const [key, { cancel }] of this.#running) {
      if (wanted.has(key)) continue;
      cancel();
      this.#running.delete(key);
    }
  }

  stop(): void {
    for (const { cancel } of this.#running.values()) cancel();
    this.#running.clear();
    this.#deps.metrics?.forgotten(this.#pod.metadata.uid);
  }

  isReady(spec: ContainerSpec, id: string): boolean {
    if (!spec.readinessProbe) return true;
    const result = this.#running.get(keyOf("readiness", id))?.state.result;
    return result === undefined ? this.#wereReady.has(id) : result === "success";
  }

  isStarted(spec: ContainerSpec, id: string): boolean {
    if (!spec.startupProbe || this.#wereReady.has(id)) return true;
    return this.#running.get(keyOf("startup", id))?.state.result === "success";
  }

  failed(id: string): FailedProbe | undefined {
    for (const kind of ["startup", "liveness"] as const) {
      const found = this.#running.get(keyOf(kind, id));
      if (found?.state.result !== "failure") continue;
      const { terminationGracePeriodSeconds: graceSeconds } = found.probe;
      return { kind, ...(graceSeconds === undefined ? {} : { graceSeconds }) };
    }
    return undefined;
  }

  #begin(
    key: string,
    kind: Kind,
    probe: Probe,
    container: ContainerSpec,
    { id, startedAtMs }: ObservedContainer,
  ): void {
    const running: Running = { kind, probe, container, id, state: unprobed, cancel: () => undefined };
    this.#running.set(key, running);
    const dueMs = startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000 - this.#deps.clock.now();
    // Those of a kubelet that begins anew are spread over a period: else they would all come at once, for ever.
    const spreadMs = this.#wereReady.has(id) ? Math.random() * periodMs(probe) : 0;
    this.#after(running, Math.max(0, dueMs) + spreadMs);
  }

  #after(running: Running, ms: number): void {
    running.cancel = this.#deps.wheel.after(ms, () => void this.#ask(running));
  }

  async #ask(running: Running): Promise<void> {
    const { kind, probe, container, id } = running;
    const key = keyOf(kind, id);
    const { clock, runtime } = this.#deps;
    const begunMs = clock.now();
    // Until it has started, it is asked nothing else; once it has, it is not asked that again.
    const waits = kind !== "startup" && !this.isStarted(container, id);
    if (!waits) {
      const timeoutSeconds = probe.timeoutSeconds ?? 1;
      const answer = await runProbe(probe, { runtime, containerId: id, container, ip: this.#ip, timeoutSeconds });
      if (this.#running.get(key) !== running) return;
      this.#count(running, answer, clock.now() - begunMs);
      this.#take(running, answer);
      if (kind === "startup" && running.state.result === "success") return;
    }
    this.#after(running, Math.max(0, begunMs + (waits ? waitMs : periodMs(probe)) - clock.now()));
  }

  #count({ kind, container }: Running, { isGood, isUnknown }: ProbeAnswer, ms: number): void {
    const { name, namespace = "", uid } = this.#pod.metadata;
    const result = isUnknown ? "unknown" : isGood ? "successful" : "failed";
    this.#deps.metrics?.probed({ kind, container: container.name, pod: name, namespace, uid }, result, ms / 1000);
  }

  #take(running: Running, { isGood, isUnknown, message }: ProbeAnswer): void {
    const { kind, probe, container } = running;
    const about = containerSubject(this.#pod, container.name);
    const name = kind[0]!.toUpperCase() + kind.slice(1);
    // It is no answer, and counts for nothing (pkg/kubelet/prober/worker.go, doProbe).
    if (isUnknown) {
      const text = `${name} probe errored and resulted in unknown state: ${message}`;
      return this.#deps.events.event(about, "Warning", "Unhealthy", text);
    }
    const before = running.state.result;
    const { successThreshold = 1, failureThreshold = 3 } = probe;
    running.state = afterAnswer(running.state, isGood, { successThreshold, failureThreshold });
    if (!isGood) this.#deps.events.event(about, "Warning", "Unhealthy", `${name} probe failed: ${message}`);
    if (running.state.result !== before) this.#onChange();
  }
}

/** How often a probe that waits for the startup probe looks again. */
const waitMs = 200;

function periodMs({ periodSeconds = 10 }: Probe): number {
  return periodSeconds * 1000;
}

function keyOf(kind: Kind, id: string): string {
  return `${kind} ${id}`;
}

function probesOf({ startupProbe, livenessProbe, readinessProbe }: ContainerSpec): readonly (readonly [Kind, Probe])[] {
  const all = [
    ["startup", startupProbe],
    ["liveness", livenessProbe],
    ["readiness", readinessProbe],
  ] as const;
  return all.filter((one): one is [Kind, Probe] => one[1] !== undefined);
}
