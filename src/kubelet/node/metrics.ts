/** What a node's upkeep tells of itself; a port, so that a test need not count. */

/** How long the node took to come up, in s (pkg/kubelet/util, node_startup_latency_tracker.go). */
export interface StartupTimes {
  /** From the machine's start to the kubelet's. */
  readonly preKubelet?: number;
  /** To the first try to register. */
  readonly preRegistration?: number;
  /** To the node's object. */
  readonly registration?: number;
  /** To the node's being ready. */
  readonly postRegistration?: number;
  readonly total?: number;
}

export interface NodeMetrics {
  startup(times: StartupTimes): void;
  /** Times of the last graceful shutdown, in s since 1970; 0: there was none, or it is not over. */
  shutDown(startSeconds: number, endSeconds: number): void;
  cgroups(version: number): void;
  cgroupChanged(operation: "create" | "update" | "destroy", seconds: number): void;
  /** @param signal of the node, or of the pod's own limit that it was over */
  evicted(signal: string): void;
  /** A pod goes by what was read so long ago. */
  evictionStatsAged(signal: string, seconds: number): void;
  preempted(resource: string): void;
  imageCollected(reason: "age" | "space"): void;
  eventsConnected(): void;
  eventsFailed(): void;
  eventHeard(latencySeconds: number): void;
  /** @param source how: each file was looked at, or the file system was asked */
  volumeMeasured(source: "du" | "statfs", seconds: number): void;
}
