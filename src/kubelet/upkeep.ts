/** What keeps the node usable beside its pods: evictions, images that go, logs that are bounded. */
import type { EventRecorder } from "../api/event_recorder.ts";
import type { KubeletConfiguration } from "../config/kubelet.ts";
import type { Clock } from "../reconcile/clock.ts";
import { Periodic } from "../reconcile/periodic.ts";
import type { CgroupTree } from "./cgroups/tree.ts";
import type { Runtime } from "./cri/runtime.ts";
import { EvictionManager, type Evictable } from "./eviction/manager.ts";
import { nodeStats } from "./eviction/observe.ts";
import { thresholdsOf } from "./eviction/signals.ts";
import { ImageGc } from "./images/gc/image_gc.ts";
import { removeDeadLogs } from "./logs/garbage.ts";
import { LogRotator } from "./logs/rotator.ts";
import type { NodeMetrics } from "./node/metrics.ts";
import type { NodePressures } from "./node/conditions.ts";
import { isRunning } from "./pods/observed.ts";
import type { PodSettings } from "./pods/deps.ts";
import type { PodWorker } from "./pods/worker.ts";
import { bytesOf } from "./pods/render/resources.ts";
import { hardThresholds } from "./settings.ts";

export interface UpkeepOptions {
  readonly config: KubeletConfiguration;
  readonly settings: PodSettings;
  readonly runtime: Runtime;
  readonly tree: CgroupTree;
  readonly events: EventRecorder;
  readonly metrics?: NodeMetrics;
  readonly clock: Clock;
  readonly workers: () => readonly PodWorker[];
  /** Of the API, of a file, or of the runtime: what is not may be removed. */
  readonly isKnown: (uid: string) => boolean;
  readonly onError: (attempted: string, error: unknown) => void;
}

export interface Upkeep {
  readonly pressures: NodePressures;
  /** Once all pods are known: what nobody knows is removed. */
  start(): void;
  stop(): void;
}

/** ContainerGCPeriod, in ms. */
const garbageMs = 60_000;

export function openUpkeep(options: UpkeepOptions): Upkeep {
  const images = imageGc(options);
  const evictions = evictionManager(options, images);
  const rotator = logRotator(options);
  const sweep = new Periodic(options.clock, async () => {
    await removeGarbage(options).catch((error: unknown) => options.onError("remove logs of pods that are gone", error));
    return garbageMs;
  });
  return {
    pressures: evictions,
    start() {
      images.start();
      evictions.start();
      rotator?.start();
      void sweep.start();
    },
    stop() {
      for (const part of [sweep, images, evictions, rotator]) part?.stop();
    },
  };
}

function nodeOf({ settings: { nodeName } }: UpkeepOptions) {
  return { apiVersion: "v1", kind: "Node", metadata: { name: nodeName, uid: nodeName } };
}

function imageGc(options: UpkeepOptions): ImageGc {
  const { config, runtime, events, metrics, clock, onError } = options;
  return new ImageGc({
    runtime,
    settings: {
      highPercent: config.imageGCHighThresholdPercent,
      lowPercent: config.imageGCLowThresholdPercent,
      minAgeMs: config.imageMinimumGCAge,
      maxAgeMs: config.imageMaximumGCAge,
    },
    events,
    node: nodeOf(options),
    onCollected: (reason) => metrics?.imageCollected(reason),
    clock,
    onError,
  });
}

function evictionManager(options: UpkeepOptions, images: ImageGc): EvictionManager {
  const { config, settings, runtime, tree, events, metrics, clock, workers, onError } = options;
  return new EvictionManager({
    stats: nodeStats({ runtime, tree, place: settings, folders: settings.folders }),
    thresholds: thresholdsOf(config, hardThresholds(config)),
    transitionMs: config.evictionPressureTransitionPeriod,
    maxPodGraceSeconds: config.evictionMaxPodGracePeriod,
    isolatesDisk: config.localStorageCapacityIsolation,
    pods: () => workers().map(evictable),
    reclaim: {
      containers: async () => void (await Promise.all(workers().map((worker) => worker.giveBack()))),
      images: async () => void (await images.removeUnused()),
    },
    events,
    node: nodeOf(options),
    ...(metrics ? { metrics } : {}),
    clock,
    onError,
  });
}

export function evictable(worker: PodWorker): Evictable {
  return {
    pod: worker.state.current,
    isActive: worker.isActive,
    get hasEnded() {
      return !worker.state.observed.containers.some(isRunning);
    },
    evict: (failure, graceSeconds) => worker.fail(failure, graceSeconds),
  };
}

/** @returns undefined where a negative size turns it off */
function logRotator({ config, runtime, clock, workers, onError }: UpkeepOptions): LogRotator | undefined {
  const maxBytes = bytesOf(config.containerLogMaxSize);
  if (maxBytes < 0) return undefined;
  return new LogRotator({
    runtime,
    logs: () => workers().flatMap(({ state }) => state.observed.containers.filter(isRunning)),
    maxBytes,
    maxFiles: config.containerLogMaxFiles,
    workers: config.containerLogMaxWorkers,
    periodMs: config.containerLogMonitorInterval,
    clock,
    onError,
  });
}

async function removeGarbage({ settings, workers, isKnown }: UpkeepOptions): Promise<void> {
  const running = new Set(
    workers().flatMap(({ state }) => state.observed.containers.filter(isRunning).map(({ id }) => id)),
  );
  await removeDeadLogs(settings.folders, isKnown, (id) => running.has(id));
}
