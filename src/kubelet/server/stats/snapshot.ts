/** What the node and its pods use at one time. */
import type { GroupUse, LinkUse, NodeMemory } from "../../stats/decode.ts";
import type { DiskUse } from "../../stats/disk_use.ts";
import type { FileSystem } from "../../stats/file_system.ts";
import type { PidUse } from "../../stats/pids.ts";

/** A control group at one time. */
export interface Measured extends GroupUse {
  /** Path below each hierarchy. */
  readonly group: string;
  readonly timeMs: number;
  /** Over the time since the last look, where there was one. */
  readonly usageNanoCores: number | undefined;
}

export interface ContainerSnapshot {
  readonly name: string;
  readonly id: string;
  readonly image: string;
  readonly startedAtMs: number;
  readonly use: Measured;
  readonly rootfs: DiskUse | undefined;
  readonly logs: DiskUse;
}

export interface VolumeSnapshot {
  readonly name: string;
  readonly fs: FileSystem;
  readonly claim: string | undefined;
}

/** What a pod holds of the node's disks. */
export interface PodFiles {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Bytes by container. */
  readonly logs: ReadonlyMap<string, number>;
  readonly volumes: readonly VolumeSnapshot[];
}

export interface PodSnapshot {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly startedAtMs: number;
  readonly use: Measured;
  /** Of its own network; none for a pod in the node's. */
  readonly links: readonly LinkUse[];
  readonly containers: readonly ContainerSnapshot[];
  readonly volumes: readonly VolumeSnapshot[];
}

export interface NodeSnapshot {
  readonly name: string;
  readonly timeMs: number;
  readonly bootMs: number;
  readonly cpus: number;
  readonly use: Measured;
  readonly memory: NodeMemory;
  readonly links: readonly LinkUse[];
  readonly fs: FileSystem;
  readonly imageFs: FileSystem;
  readonly processes: PidUse;
  /** All pods together. */
  readonly allPods: Measured;
  readonly pods: readonly PodSnapshot[];
}
