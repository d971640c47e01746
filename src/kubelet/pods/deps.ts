/** What the pods of a node have in common. */
import type { Client } from "../../api/client.ts";
import type { EventRecorder } from "../../api/event_recorder.ts";
import type { Service } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { PodCgroups } from "../cgroups/manager.ts";
import type { Runtime } from "../cri/runtime.ts";
import type { Limiter } from "../images/limiter.ts";
import type { PullRate } from "../images/pull_rate.ts";
import type { TimerWheel } from "../probes/timer_wheel.ts";
import type { RunProgram } from "../volumes/mounts.ts";
import type { BackoffBounds } from "./backoff.ts";
import type { PodMetrics } from "./metrics.ts";
import type { ConfigObjects } from "./config_objects.ts";
import type { ResourceSettings } from "./render/resources.ts";
import type { SandboxSettings } from "./render/sandbox.ts";
import type { Turns } from "./turns.ts";

export interface PodSettings extends SandboxSettings, ResourceSettings {
  readonly crashBackoff: BackoffBounds;
  readonly pullBackoff: BackoffBounds;
  /** Between two looks at a pod of which nothing was heard, in ms. */
  readonly relistMs: number;
  /** Between two looks at what its volumes hold, in ms. */
  readonly syncMs: number;
}

export interface PodDeps {
  readonly runtime: Runtime;
  readonly client: Client;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly configs: ConfigObjects;
  readonly pulls: Limiter;
  readonly pullRate: PullRate;
  readonly cgroups: PodCgroups;
  readonly wheel: TimerWheel;
  /** In which pods are planned. */
  readonly turns: Turns;
  readonly settings: PodSettings;
  /** mount and umount. */
  readonly runProgram: RunProgram;
  /** "containerd" */
  readonly runtimeName: string;
  readonly services: () => Iterable<Service>;
  readonly nodeIps: () => readonly string[];
  readonly allocatable: () => Readonly<Record<string, string>>;
  readonly metrics?: PodMetrics;
  readonly onError: (attempted: string, error: unknown) => void;
}
